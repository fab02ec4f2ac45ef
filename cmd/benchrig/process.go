package benchrig

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// Main is a benchmark's main function; its command line is arguments, of which
// the first command, bench, is what people run. It does not return on errors.
func Main(name, description string, arguments any) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level()}))
	command := kong.Parse(arguments, kong.Name(name), kong.UsageOnError(), kong.Description(description),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(log))
	err := command.Run()
	stop()
	if err != nil && !errors.Is(err, context.Canceled) {
		log.Error("benchmark ended", "error", err)
		os.Exit(1)
	}
}

// level keeps the processes that are measured from telling what goes well.
func level() slog.Level {
	if len(os.Args) > 1 && os.Args[1] != "bench" && os.Args[1][0] != '-' {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// self is this program again, interrupted when ctx is done.
func self(ctx context.Context, args ...string) (*exec.Cmd, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stderr = os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	return cmd, nil
}

// Ask runs this program with other arguments and reads what it reports.
func Ask(ctx context.Context, result any, args ...string) error {
	cmd, err := self(ctx, args...)
	if err != nil {
		return err
	}
	cmd.Env = append(os.Environ(), "OPENCV_FFMPEG_CAPTURE_OPTIONS=rtsp_transport;tcp")
	out, err := cmd.Output()
	if err != nil {
		return err
	}
	return json.Unmarshal(out, result)
}

// Street is cameras that play.
type Street struct {
	Host  string
	Began time.Time // when the first camera began its film
	Stop  func()
}

// Serve starts cameras in a process of their own: this program's command
// cameras, which is CamerasCmd.
func Serve(ctx context.Context, count int, length time.Duration, videos []string) (*Street, error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd, err := self(ctx, append([]string{"cameras", fmt.Sprintf("--count=%d", count), "--length=" + length.String()}, videos...)...)
	if err != nil {
		cancel()
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("start the cameras: %w", err)
	}
	street := &Street{Stop: func() { cancel(); _ = cmd.Wait() }}
	line, err := bufio.NewReader(out).ReadString('\n')
	var began int64
	if err == nil {
		_, err = fmt.Sscan(line, &street.Host, &began)
	}
	if err != nil {
		street.Stop()
		return nil, fmt.Errorf("start the cameras: %w", err)
	}
	street.Began = time.Unix(0, began)
	return street, nil
}
