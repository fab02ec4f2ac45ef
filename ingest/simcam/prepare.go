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
	"strings"
)

// encoding is how a video is made to look like a camera's stream: a key frame
// each second, no reordered pictures, resolution and pace as they are (but for
// the odd last row or column, which H.264 cannot hold).
var encoding = []string{
	"-an", "-sn", "-dn", "-map", "0:v:0",
	"-vf", "crop=trunc(iw/2)*2:trunc(ih/2)*2",
	"-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-crf", "20",
	"-pix_fmt", "yuv420p", "-bf", "0", "-sc_threshold", "0",
	"-g", "100000", "-force_key_frames", "expr:gte(t,n_forced)",
	"-movflags", "+faststart", "-map_metadata", "-1", "-f", "mp4",
}

// Prepare makes a video file playable by a Server and returns the path of the
// result in cacheDir. The work is done once for the same content and settings.
// It needs the ffmpeg program.
func Prepare(ctx context.Context, video, cacheDir string) (string, error) {
	key, err := cacheKey(video)
	if err != nil {
		return "", fmt.Errorf("prepare video: %w", err)
	}
	prepared := filepath.Join(cacheDir, key+".mp4")
	if _, err := os.Stat(prepared); err == nil {
		return prepared, nil
	}
	if err := os.MkdirAll(cacheDir, 0o755); err != nil {
		return "", fmt.Errorf("prepare video: %w", err)
	}
	if err := encode(ctx, video, prepared); err != nil {
		return "", fmt.Errorf("prepare video %s: %w", video, err)
	}
	return prepared, nil
}

// cacheKey names the content of a video together with the settings.
func cacheKey(video string) (string, error) {
	file, err := os.Open(video)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	fmt.Fprintf(sum, "\x00%q", encoding)
	return hex.EncodeToString(sum.Sum(nil)[:16]), nil
}

// encode writes beside the target and renames, so that the target is either
// whole or not there.
func encode(ctx context.Context, video, target string) error {
	part, err := os.CreateTemp(filepath.Dir(target), filepath.Base(target)+".part-*")
	if err != nil {
		return err
	}
	defer os.Remove(part.Name())
	defer part.Close()
	args := append([]string{"-nostdin", "-v", "error", "-y", "-i", "file:" + video}, encoding...)
	output, err := exec.CommandContext(ctx, "ffmpeg", append(args, "file:"+part.Name())...).CombinedOutput()
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
