package segment

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Partition is what could be read of a partition.
type Partition struct {
	Topic string
	ID    int
	Dir   string
	End   int64 // the offset after its last message
	// Torn is how many bytes at its end an append has left that was cut short by
	// a crash, so that nobody was told of it; the broker takes them away.
	Torn    int
	Damages []Damage
}

// Damage is a place in a partition's files at which what was written cannot be
// read. From and Until bound the offsets that are lost there; they are equal
// where none is, or where how many is not known.
type Damage struct {
	File        string
	At          int64 // byte
	From, Until int64
	What        string
}

const suffix = ".dat"

// Dir is the folder of a partition in the folder of all of them.
func Dir(root, topic string, id int) string {
	return filepath.Join(root, fmt.Sprintf("%s-%d", url.PathEscape(topic), id))
}

// Partitions lists the partitions that have a folder.
func Partitions(root string) (list []Partition, err error) {
	entries, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list partitions: %w", err)
	}
	for _, e := range entries {
		i := strings.LastIndexByte(e.Name(), '-')
		if i < 0 {
			continue
		}
		topic, err := url.PathUnescape(e.Name()[:i])
		id, noNumber := strconv.ParseInt(e.Name()[i+1:], 10, 32)
		if err != nil || noNumber != nil || id < 0 || filepath.Base(Dir(root, topic, int(id))) != e.Name() {
			continue
		}
		list = append(list, Partition{Topic: topic, ID: int(id), Dir: filepath.Join(root, e.Name())})
	}
	return list, nil
}

// Read reads a partition's files, and calls visit for each sound batch in turn.
// Offsets only grow. It fails if visit does, or if there is no telling what the
// folder holds; a folder that is not there holds nothing.
func (p Partition) Read(visit func(Batch) error) (Partition, error) {
	files, err := Files(p.Dir)
	if err != nil {
		return p, err
	}
	r := reader{p: Partition{Topic: p.Topic, ID: p.ID, Dir: p.Dir}, visit: visit}
	for i, name := range files {
		if err := r.file(filepath.Join(p.Dir, name), i == len(files)-1); err != nil {
			return r.p, err
		}
	}
	return r.p, nil
}

// Files lists the files of messages in a partition's folder, in order.
func Files(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list a partition's files: %w", err)
	}
	bases := map[string]int64{}
	for _, e := range entries {
		base, err := strconv.ParseInt(strings.TrimSuffix(e.Name(), suffix), 10, 64)
		if err == nil && strings.HasSuffix(e.Name(), suffix) {
			names, bases[e.Name()] = append(names, e.Name()), base
		}
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Compare(bases[a], bases[b]) })
	return names, nil
}

// reader goes through the files of a partition.
type reader struct {
	p     Partition
	visit func(Batch) error
}

// file reads one file. In the last one an append may have been cut short.
func (r *reader) file(path string, last bool) error {
	data, err := os.ReadFile(path)
	if err != nil {
		r.damaged(path, 0, fmt.Sprintf("cannot be read: %v", err))
		return nil
	}
	return r.content(path, data, last)
}

func (r *reader) content(path string, data []byte, last bool) error {
	for at := 0; at < len(data); {
		b, err := parse(data[at:])
		if err == nil {
			if err := r.batch(path, at, b); err != nil {
				return err
			}
			at += len(b.Raw)
			continue
		}
		next := r.resume(data, at+1)
		if last && next == len(data) && torn(data[at:], err, r.p.End) {
			r.p.Torn = next - at
			return nil
		}
		r.damaged(path, at, err.Error())
		at = next
	}
	return nil
}

// batch takes a sound batch, unless it is not the next one.
func (r *reader) batch(path string, at int, b Batch) error {
	switch {
	case b.First < r.p.End:
		r.damaged(path, at, fmt.Sprintf("a batch from offset %d stands where %d is due", b.First, r.p.End))
		return nil
	case b.First > r.p.End:
		r.gap(path, at, b.First)
	}
	r.p.End = b.Last + 1
	return r.visit(b)
}

func (r *reader) damaged(path string, at int, what string) {
	r.p.Damages = append(r.p.Damages, Damage{path, int64(at), r.p.End, r.p.End, what})
}

// gap notes that offsets are missing up to one: at the damage that has just been
// passed, or at a place that looks sound.
func (r *reader) gap(path string, at int, until int64) {
	if n := len(r.p.Damages); n > 0 && r.p.Damages[n-1].From == r.p.End {
		r.p.Damages[n-1].Until = until
		return
	}
	r.damaged(path, at, "what stood before this batch is missing")
	r.p.Damages[len(r.p.Damages)-1].Until = until
}

// resume finds the next sound batch from a byte on, or the end.
func (r *reader) resume(data []byte, from int) int {
	for at := from; at+headerSize <= len(data); at++ {
		if data[at+magicAt] != magic {
			continue
		}
		if b, err := parse(data[at:]); err == nil && b.First >= r.p.End {
			return at
		}
	}
	return len(data)
}

// torn reports whether the last bytes of a partition can be what a crash leaves
// of an append: the beginning of the batch that is due, or zeros, where the size
// of the file came to the disk before its content.
func torn(tail []byte, err error, due int64) bool {
	if !slices.ContainsFunc(tail, func(b byte) bool { return b != 0 }) {
		return true
	}
	var first int64
	for i := range 8 {
		if i == len(tail) {
			return true
		}
		first = first<<8 | int64(tail[i])
	}
	return errors.Is(err, errCut) && first == due
}
