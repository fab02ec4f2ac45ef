package simcam

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"tidewatch/ingest"
)

// Encoding is how a video is made to look like a camera's stream. Pictures are
// never reordered, and every key frame can be decoded on its own.
type Encoding struct {
	Codec         ingest.Codec
	GOP           time.Duration // from one key frame to the next
	Width, Height int           // pixels, both even; 0 is as it is, but for an odd last row or column
	FPS           int           // pictures a second; 0 is as it is
	Bitrate       int           // bit/s, nearly constant; 0 is constant quality
	Quality       int           // of a constant quality, as a CRF: lower is better
	Duration      time.Duration // the video is cut or repeated to it; 0 is as it is
}

// DefaultEncoding is what every decoder can play: H.264 with a key frame each
// second.
func DefaultEncoding() Encoding {
	return Encoding{Codec: ingest.H264, GOP: time.Second, Quality: 20}
}

// Prepare makes a video file playable by a Server, in the default encoding,
// and returns the path of the result in cacheDir. The work is done once for the
// same content and settings. It needs the ffmpeg program.
func Prepare(ctx context.Context, video, cacheDir string) (string, error) {
	return PrepareAs(ctx, video, cacheDir, DefaultEncoding())
}

// PrepareAs is Prepare in another encoding.
func PrepareAs(ctx context.Context, video, cacheDir string, e Encoding) (string, error) {
	if err := e.check(); err != nil {
		return "", fmt.Errorf("prepare video: %w", err)
	}
	key, err := cacheKey(video, e)
	if err != nil {
		return "", fmt.Errorf("prepare video: %w", err)
	}
	prepared := filepath.Join(cacheDir, key+".mp4")
	if _, err := os.Stat(prepared); err == nil {
		return prepared, nil
	}
	if err := os.MkdirAll(cacheDir, 0o750); err != nil {
		return "", fmt.Errorf("prepare video: %w", err)
	}
	if err := encode(ctx, video, prepared, e); err != nil {
		return "", fmt.Errorf("prepare video %s: %w", video, err)
	}
	return prepared, nil
}

func (e Encoding) check() error {
	switch {
	case e.Codec != ingest.H264 && e.Codec != ingest.H265:
		return fmt.Errorf("codec %q is neither %s nor %s", e.Codec, ingest.H264, ingest.H265)
	case e.GOP <= 0:
		return errors.New("the time between key frames must be positive")
	case e.Width < 0 || e.Height < 0 || e.Width%2+e.Height%2 != 0 || (e.Width == 0) != (e.Height == 0):
		return fmt.Errorf("size %dx%d: want two even numbers, or 0x0 to leave it", e.Width, e.Height)
	case e.FPS < 0 || e.Bitrate < 0 || e.Duration < 0:
		return errors.New("pace, bit rate and duration cannot be negative")
	}
	return nil
}

// input is what ffmpeg must know before the file.
func (e Encoding) input() []string {
	if e.Duration == 0 {
		return nil
	}
	return []string{"-stream_loop", "-1"}
}

// output is what it must know after it.
func (e Encoding) output() []string {
	args := []string{
		"-an", "-sn", "-dn", "-map", "0:v:0", "-vf", e.filters(),
		"-pix_fmt", "yuv420p", "-bf", "0", "-sc_threshold", "0",
		"-g", "100000", "-force_key_frames", fmt.Sprintf("expr:gte(t,n_forced*%g)", e.GOP.Seconds()),
	}
	if e.Codec == ingest.H265 {
		args = append(args, "-c:v", "libx265", "-tag:v", "hvc1", "-preset", "ultrafast", "-tune", "zerolatency",
			"-forced-idr", "1", "-x265-params", "log-level=error:open-gop=0:bframes=0:scenecut=0:info=0")
	} else {
		args = append(args, "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency")
	}
	if e.Bitrate > 0 {
		rate := strconv.Itoa(e.Bitrate) // and a second of it as the buffer
		args = append(args, "-b:v", rate, "-maxrate", rate, "-bufsize", rate)
	} else {
		args = append(args, "-crf", strconv.Itoa(e.Quality))
	}
	if e.Duration > 0 {
		args = append(args, "-t", fmt.Sprintf("%g", e.Duration.Seconds()))
	}
	return append(args, "-movflags", "+faststart", "-map_metadata", "-1", "-f", "mp4")
}

func (e Encoding) filters() string {
	filters := "crop=trunc(iw/2)*2:trunc(ih/2)*2"
	if e.Width > 0 {
		filters = fmt.Sprintf("scale=%d:%d,setsar=1", e.Width, e.Height)
	}
	if e.FPS > 0 {
		filters += fmt.Sprintf(",fps=%d", e.FPS)
	}
	return filters
}

// cacheKey names the content of a video together with the settings.
func cacheKey(video string, e Encoding) (string, error) {
	file, err := os.Open(video)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	fmt.Fprintf(sum, "\x00%q\x00%q", e.input(), e.output())
	return hex.EncodeToString(sum.Sum(nil)[:16]), nil
}

// encode writes beside the target and renames, so that the target is either
// whole or not there.
func encode(ctx context.Context, video, target string, e Encoding) error {
	part, err := os.CreateTemp(filepath.Dir(target), filepath.Base(target)+".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	defer part.Close()
	args := slices.Concat(
		[]string{"-nostdin", "-v", "error", "-y"}, e.input(), []string{"-i", "file:" + video},
		e.output(), []string{"file:" + part.Name()},
	)
	output, err := exec.CommandContext(ctx, "ffmpeg", args...).CombinedOutput()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("%w: install ffmpeg", err)
	case err != nil:
		return fmt.Errorf("ffmpeg: %w: %s", err, lastLine(output))
	}
	return os.Rename(part.Name(), target)
}

func lastLine(output []byte) string {
	text := strings.TrimSpace(string(output))
	return text[strings.LastIndexByte(text, '\n')+1:]
}
