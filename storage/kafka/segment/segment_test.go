package segment

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func record(offset int64) Record {
	return Record{
		Offset: offset, At: time.UnixMilli(1_800_000_000_000 + offset).UTC(),
		Key: []byte("case"), Value: fmt.Appendf(nil, `{"event":%d}`, offset),
	}
}

// segmentOf is a file with the messages from one offset to before another.
func segmentOf(from, until int64) (data []byte) {
	for offset := from; offset < until; offset++ {
		data = append(data, Encode(record(offset))...)
	}
	return data
}

func size(t *testing.T) int { t.Helper(); return len(Encode(record(0))) }

func TestEncodedIsRead(t *testing.T) {
	for name, r := range map[string]Record{
		"usual":      record(7),
		"without":    {Offset: 1, At: time.UnixMilli(0).UTC()},
		"long value": {Offset: 1 << 40, At: time.UnixMilli(1).UTC(), Key: []byte("k"), Value: bytes.Repeat([]byte("x"), 1<<20)},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := parse(append(Encode(r), "what follows"...))
			if err != nil {
				t.Fatal(err)
			}
			want := Batch{Raw: Encode(r), First: r.Offset, Last: r.Offset, Records: []Record{r}}
			if diff := cmp.Diff(want, b); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if First(b.Raw) != r.Offset {
				t.Errorf("first %d", First(b.Raw))
			}
		})
	}
}

// read writes files into a partition's folder and reads it.
func read(t *testing.T, files map[string][]byte) (p Partition, offsets []int64) {
	t.Helper()
	root := t.TempDir()
	for name, data := range files {
		path := filepath.Join(Dir(root, "a topic/1", 3), name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, err := Partitions(root)
	if err != nil || len(list) != 1 || list[0].Topic != "a topic/1" || list[0].ID != 3 {
		t.Fatalf("partitions: %+v, %v", list, err)
	}
	p, err = list[0].Read(func(b Batch) error {
		for _, r := range b.Records {
			offsets = append(offsets, r.Offset)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range p.Damages {
		p.Damages[i].File = filepath.Base(p.Damages[i].File)
	}
	return p, offsets
}

// place is where damage is, without what it is called.
type place struct {
	File        string
	At          int64
	From, Until int64
}

func TestDamage(t *testing.T) {
	one := int64(size(t))
	change := func(data []byte, at int64, with ...byte) []byte {
		data = bytes.Clone(data)
		copy(data[at:], with)
		return data
	}
	for name, test := range map[string]struct {
		files map[string][]byte
		want  []int64
		torn  int
		found []place
	}{
		"sound":                {files: map[string][]byte{"0.dat": segmentOf(0, 3), "3.dat": segmentOf(3, 5), "0.idx": []byte("x"), "x.dat": []byte("x")}, want: []int64{0, 1, 2, 3, 4}},
		"a new segment":        {files: map[string][]byte{"0.dat": segmentOf(0, 2), "2.dat": nil}, want: []int64{0, 1}},
		"torn in a header":     {files: map[string][]byte{"0.dat": segmentOf(0, 3)[:2*one+9]}, want: []int64{0, 1}, torn: 9},
		"torn in an offset":    {files: map[string][]byte{"0.dat": segmentOf(0, 3)[:2*one+3]}, want: []int64{0, 1}, torn: 3},
		"torn in a message":    {files: map[string][]byte{"0.dat": segmentOf(0, 3)[:3*one-5]}, want: []int64{0, 1}, torn: int(one) - 5},
		"zeros at the end":     {files: map[string][]byte{"0.dat": append(segmentOf(0, 2), make([]byte, 400)...)}, want: []int64{0, 1}, torn: 400},
		"torn, not the last":   {files: map[string][]byte{"0.dat": segmentOf(0, 3)[:3*one-5], "3.dat": segmentOf(3, 4)}, want: []int64{0, 1, 3}, found: []place{{"0.dat", 2 * one, 2, 3}}},
		"flipped in a message": {files: map[string][]byte{"0.dat": change(segmentOf(0, 4), one+80, 0xff)}, want: []int64{0, 2, 3}, found: []place{{"0.dat", one, 1, 2}}},
		"flipped length":       {files: map[string][]byte{"0.dat": change(segmentOf(0, 4), one+8, 0x7f)}, want: []int64{0, 2, 3}, found: []place{{"0.dat", one, 1, 2}}},
		"flipped offset":       {files: map[string][]byte{"0.dat": change(segmentOf(0, 4), one+7, 9)}, want: []int64{0, 9}, found: []place{{"0.dat", one, 1, 9}, {"0.dat", 2 * one, 10, 10}, {"0.dat", 3 * one, 10, 10}}},
		"last flipped":         {files: map[string][]byte{"0.dat": change(segmentOf(0, 3), 3*one-3, 0xff)}, want: []int64{0, 1}, found: []place{{"0.dat", 2 * one, 2, 2}}},
		"garbage between":      {files: map[string][]byte{"0.dat": append(append(segmentOf(0, 2), "garbage"...), segmentOf(2, 3)...)}, want: []int64{0, 1, 2}, found: []place{{"0.dat", 2 * one, 2, 2}}},
		"garbage alone":        {files: map[string][]byte{"0.dat": bytes.Repeat([]byte("garbage"), 50)}, found: []place{{"0.dat", 0, 0, 0}}},
		"a segment missing":    {files: map[string][]byte{"0.dat": segmentOf(0, 2), "4.dat": segmentOf(4, 5)}, want: []int64{0, 1, 4}, found: []place{{"4.dat", 0, 2, 4}}},
		"the first missing":    {files: map[string][]byte{"4.dat": segmentOf(4, 5)}, want: []int64{4}, found: []place{{"4.dat", 0, 0, 4}}},
		"written twice":        {files: map[string][]byte{"0.dat": segmentOf(0, 2), "2.dat": segmentOf(0, 2)}, want: []int64{0, 1}, found: []place{{"2.dat", 0, 2, 2}, {"2.dat", one, 2, 2}}},
	} {
		t.Run(name, func(t *testing.T) {
			p, offsets := read(t, test.files)
			var found []place
			for _, d := range p.Damages {
				found = append(found, place{d.File, d.At, d.From, d.Until})
			}
			if diff := cmp.Diff(test.want, offsets); diff != "" {
				t.Errorf("offsets (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.found, found); diff != "" {
				t.Errorf("damage (-want +got):\n%s\n%+v", diff, p.Damages)
			}
			if p.Torn != test.torn {
				t.Errorf("torn %d bytes, want %d", p.Torn, test.torn)
			}
		})
	}
}

func TestFolderInPlaceOfAFile(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(Dir(root, "t", 0), "0.dat"), 0o700); err != nil {
		t.Fatal(err)
	}
	p, err := Partition{Dir: Dir(root, "t", 0)}.Read(func(Batch) error { return nil })
	if err != nil || len(p.Damages) != 1 {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestWriteReplacesAPartition(t *testing.T) {
	dir := Dir(t.TempDir(), "t", 0)
	write := func(data []byte) error {
		return Write(dir, func(yield func([]byte) error) error { return yield(data) })
	}
	if err := write(segmentOf(0, 2)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "2.dat"), segmentOf(2, 3), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(dir, func(func([]byte) error) error { return errors.New("no") }); err == nil {
		t.Error("written although there is nothing to write")
	}
	if err := write(segmentOf(0, 4)); err != nil {
		t.Fatal(err)
	}
	p, err := Partition{Dir: dir}.Read(func(Batch) error { return nil })
	if err != nil || p.End != 4 || p.Damages != nil {
		t.Errorf("%+v, %v", p, err)
	}
	if names, err := Files(dir); err != nil || !cmp.Equal(names, []string{"0.dat"}) {
		t.Errorf("files %v, %v", names, err)
	}
}

// FuzzRead reads anything as a segment: what is taken for sound reads the same
// again, and every byte is accounted for.
func FuzzRead(f *testing.F) {
	f.Add([]byte{})
	f.Add(segmentOf(0, 3))
	f.Add(segmentOf(0, 3)[:100])
	f.Add(append(segmentOf(0, 2), segmentOf(4, 6)...))
	f.Add(append([]byte("garbage"), segmentOf(1, 2)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		var sound []byte
		next := int64(0)
		r := reader{visit: func(b Batch) error {
			if b.First < next || b.Last < b.First {
				t.Errorf("a batch from %d to %d where %d is due", b.First, b.Last, next)
			}
			for _, m := range b.Records {
				if m.Offset < b.First || m.Offset > b.Last {
					t.Errorf("message %d in a batch from %d to %d", m.Offset, b.First, b.Last)
				}
			}
			next, sound = b.Last+1, append(sound, b.Raw...)
			return nil
		}}
		if err := r.content("0.dat", data, true); err != nil {
			t.Fatal(err)
		}
		if len(r.p.Damages) == 0 && len(sound)+r.p.Torn != len(data) {
			t.Errorf("%d of %d bytes are sound, %d torn, and nothing is said", len(sound), len(data), r.p.Torn)
		}
		again := reader{visit: func(b Batch) error { sound = sound[len(b.Raw):]; return nil }}
		if err := again.content("0.dat", bytes.Clone(sound), true); err != nil || len(sound) > 0 || again.p.End != r.p.End {
			t.Errorf("read again: %d bytes left, end %d, was %d", len(sound), again.p.End, r.p.End)
		}
	})
}
