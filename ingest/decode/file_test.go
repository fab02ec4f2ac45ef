package decode

import (
	"bytes"
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// encode writes a pattern as a video file and returns its path.
func encode(t testing.TB, name string, pattern []string, options ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	ffmpeg(t, append(append(pattern, options...), path)...)
	return path
}

func openFile(t testing.TB, path string) *File {
	t.Helper()
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// looks reads a file through and returns the times of its looks.
func looks(t testing.TB, f *File, fps float64) []float64 {
	t.Helper()
	var times []float64
	for look, err := range f.Looks(fps) {
		if err != nil {
			t.Fatal(err)
		}
		if look.Picture.Size() != f.Size() {
			t.Errorf("picture has size %v, the file %v", look.Picture.Size(), f.Size())
		}
		times = append(times, math.Round(look.At.Seconds()*1000)/1000)
		look.Picture.Close()
	}
	return times
}

func TestFileLooksAtItsPace(t *testing.T) {
	for _, test := range []struct {
		name    string
		file    string
		rate    int
		options []string
		fps     float64
		want    []float64
	}{
		{"H.264 in MP4, one a second", "a.mp4", 25, []string{"-c:v", "libx264", "-bf", "2"}, 1, []float64{0, 1, 2, 3}},
		{"faster than the pictures come", "a.mp4", 2, []string{"-c:v", "libx264"}, 50, []float64{0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5}},
		{"slower than one a second", "a.mp4", 25, []string{"-c:v", "libx264"}, 0.5, []float64{0, 2}},
		{"thirds of milliseconds", "a.mkv", 30, []string{"-c:v", "libx264"}, 1, []float64{0, 1, 2, 3}},
		{"MPEG-4 in AVI", "a.avi", 10, []string{"-c:v", "mpeg4", "-bf", "2"}, 1, []float64{0, 1, 2, 3}},
		{"Microsoft's in AVI", "a.avi", 10, []string{"-c:v", "msmpeg4"}, 2, []float64{0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5}},
		{"beginning late", "a.mp4", 10, []string{"-c:v", "libx264", "-output_ts_offset", "7"}, 1, []float64{0, 1, 2, 3}},
		{"bare stream", "a.h264", 25, []string{"-c:v", "libx264", "-bf", "0"}, 1, []float64{0, 1, 2, 3}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			f := openFile(t, encode(t, test.file, pattern("320x240", test.rate, 4*test.rate), test.options...))
			got := looks(t, f, test.fps)
			if len(got) != len(test.want) {
				t.Fatalf("looked at %v, want %v", got, test.want)
			}
			for i := range got {
				if math.Abs(got[i]-test.want[i]) > 0.0011 {
					t.Errorf("looked at %v, want %v", got, test.want)
				}
			}
			if f.Size() != image.Pt(320, 240) {
				t.Errorf("size %v", f.Size())
			}
			// A bare stream does not say, and one that begins late counts from zero.
			plain := !strings.HasSuffix(test.file, ".h264") && !slices.Contains(test.options, "-output_ts_offset")
			if plain && (f.Duration()-4*time.Second).Abs() > 200*time.Millisecond {
				t.Errorf("duration %s, want about 4 s", f.Duration())
			}
		})
	}
}

func TestFileShowsTheRightPictures(t *testing.T) {
	path := encode(t, "a.mp4", pattern("320x240", 10, 40), "-c:v", "libx264", "-bf", "3")
	want := ffmpeg(t, "-i", path, "-vf", "fps=1:start_time=0:round=up,select=lt(n\\,4)", "-vsync", "0", "-f", "rawvideo", "-pix_fmt", "bgr24", "-")
	var got []byte
	for look, err := range openFile(t, path).Looks(1) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, bgr(t, look.Picture)...)
		look.Picture.Close()
	}
	one := 320 * 240 * 3
	if len(got) != 4*one {
		t.Fatalf("got %d pictures, want 4", len(got)/one)
	}
	if d := difference(t, got, want[:4*one]); d > tolerance {
		t.Errorf("pictures differ by %.2f on average", d)
	}
	if d := difference(t, got[:one], want[one:2*one]); d < 2*tolerance {
		t.Fatal("pictures are too much alike to tell them apart")
	}
}

func TestFileTurnsPicturesUpright(t *testing.T) {
	plain := encode(t, "plain.mp4", pattern("320x240", 5, 5), "-c:v", "libx264")
	for _, test := range []struct {
		name, rotate string
		size         image.Point
	}{
		{"a quarter", "90", image.Pt(240, 320)},
		{"half", "180", image.Pt(320, 240)},
		{"three quarters", "270", image.Pt(240, 320)},
	} {
		t.Run(test.name, func(t *testing.T) {
			turned := filepath.Join(t.TempDir(), "turned.mp4")
			ffmpeg(t, "-i", plain, "-c", "copy", "-metadata:s:v", "rotate="+test.rotate, turned)
			want := ffmpeg(t, "-i", turned, "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "bgr24", "-")
			f := openFile(t, turned)
			if f.Size() != test.size {
				t.Errorf("size %v, want %v", f.Size(), test.size)
			}
			for look, err := range f.Looks(1) {
				if err != nil {
					t.Fatal(err)
				}
				// FFmpeg turns before it converts, so colours at edges differ a little.
				if d := difference(t, bgr(t, look.Picture), want); d > 5*tolerance {
					t.Errorf("picture differs from FFmpeg's upright one by %.2f on average", d)
				}
				look.Picture.Close()
			}
		})
	}
}

func TestFileStopsWhenToldTo(t *testing.T) {
	f := openFile(t, encode(t, "a.mp4", pattern("320x240", 10, 40), "-c:v", "libx264"))
	n := 0
	for look, err := range f.Looks(1) {
		if err != nil {
			t.Fatal(err)
		}
		look.Picture.Close()
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("looked %d times", n)
	}
}

func TestFileSurvivesDamage(t *testing.T) {
	path := encode(t, "a.ts", pattern("320x240", 10, 80), "-c:v", "libx264", "-g", "10")
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(content[len(content)/3:], bytes.Repeat([]byte{0x5A}, 3000))
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := looks(t, openFile(t, path), 1); len(got) < 6 {
		t.Errorf("looked at %v only", got)
	}
}

func TestOpenFileSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	sound := filepath.Join(dir, "sound.wav")
	ffmpeg(t, "-f", "lavfi", "-i", "sine=duration=1", sound)
	for _, test := range []struct{ name, path, want string }{
		{"no file", filepath.Join(dir, "none.mp4"), "no such file"},
		{"a folder", dir, "is a folder"},
		{"an address", "http://127.0.0.1:1/a.mp4", "no such file"},
		{"empty", write("empty.mp4", ""), "not a video"},
		{"text", write("text.mp4", "this is no video at all\n"), "not a video"},
		{"sound only", sound, "no video stream"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := OpenFile(test.path)
			if err == nil {
				f.Close()
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), test.path) {
				t.Errorf("error %q, want it to name the file and say %q", err, test.want)
			}
		})
	}
}
