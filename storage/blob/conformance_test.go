package blob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

// store is what every place for files must be able to do.
type store interface {
	Put(ctx context.Context, data io.Reader) (sum string, size int64, err error)
	Open(ctx context.Context, sum string) (io.ReadSeekCloser, error)
	Verify(ctx context.Context, sum string) error
}

const (
	hello    = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" // of "hello"
	emptySum = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// conformance holds any store to the same promises; open gives an empty one.
func conformance(t *testing.T, open func(t *testing.T) store) {
	t.Run("what is put can be read", func(t *testing.T) {
		s := open(t)
		for content, want := range map[string]string{"hello": hello, "": emptySum} {
			for range 2 { // the second time changes nothing
				sum, size, err := s.Put(t.Context(), strings.NewReader(content))
				if err != nil || sum != want || size != int64(len(content)) {
					t.Fatalf("put %q: %s, %d, %v", content, sum, size, err)
				}
			}
			if got := read(t, s, want); string(got) != content {
				t.Errorf("read %q, want %q", got, content)
			}
			if err := s.Verify(t.Context(), want); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("a part can be read", func(t *testing.T) {
		s := open(t)
		if _, _, err := s.Put(t.Context(), strings.NewReader("hello")); err != nil {
			t.Fatal(err)
		}
		f, err := s.Open(t.Context(), hello)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if _, err := f.Seek(-2, io.SeekEnd); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(f); err != nil || string(got) != "lo" {
			t.Errorf("read %q, %v", got, err)
		}
	})
	t.Run("unknown names", func(t *testing.T) {
		s := open(t)
		for name, sum := range map[string]string{
			"unknown": hello, "empty": "", "short": hello[1:], "long": hello + "0", "capitals": strings.ToUpper(hello),
			"a way out": strings.Repeat("../", 21) + "x", "no hex": strings.Repeat("g", 64),
		} {
			for call, err := range map[string]error{"open": second(s.Open(t.Context(), sum)), "verify": s.Verify(t.Context(), sum)} {
				if !errors.Is(err, ErrNotFound) || !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s %s: %v, want %v", call, name, err, ErrNotFound)
				}
			}
		}
	})
	t.Run("what could not be read whole is not stored", func(t *testing.T) {
		s := open(t)
		broken := errors.New("broken")
		data := io.MultiReader(strings.NewReader("hello"), iotest.ErrReader(broken))
		if _, _, err := s.Put(t.Context(), data); !errors.Is(err, broken) {
			t.Errorf("error %v, want %v", err, broken)
		}
		if _, err := s.Open(t.Context(), hello); !errors.Is(err, ErrNotFound) {
			t.Errorf("half a file: %v", err)
		}
	})
	t.Run("a context ends it", func(t *testing.T) {
		s := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := s.Put(ctx, strings.NewReader("hello")); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want %v", err, context.Canceled)
		}
	})
	t.Run("at the same time", func(t *testing.T) {
		s := open(t)
		content := bytes.Repeat([]byte("0123456789abcdef"), 1<<14)
		var all sync.WaitGroup
		sums := make([]string, 8)
		for i := range sums {
			all.Go(func() {
				var err error
				if sums[i], _, err = s.Put(t.Context(), bytes.NewReader(content)); err != nil {
					t.Error(err)
				} else if got := read(t, s, sums[i]); !bytes.Equal(got, content) {
					t.Error("read something else")
				}
			})
		}
		all.Wait()
		for _, sum := range sums {
			if sum != sums[0] {
				t.Errorf("sums differ: %v", sums)
			}
		}
	})
}

func read(t *testing.T, s store, sum string) []byte {
	t.Helper()
	f, err := s.Open(t.Context(), sum)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer f.Close()
	content, err := io.ReadAll(f)
	if err != nil {
		t.Error(err)
	}
	return content
}

func second[T any](_ T, err error) error { return err }
