package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/gofrs/flock"

	"tidewatch/enforce"
	"tidewatch/storage/kafka/segment"
)

// Elsewhere is what is known of the case log's events from elsewhere.
type Elsewhere interface {
	// Ends are the offsets after the last event that the database has of each
	// partition.
	Ends(ctx context.Context) (map[int]int64, error)
	// Stored returns all events that the database has of a partition, by offset.
	Stored(ctx context.Context, partition int) (map[int64][]byte, error)
	// Suspected returns the first event of every case of which there is evidence,
	// as the evidence tells it, in the order in which it was recorded.
	Suspected(ctx context.Context) ([]enforce.Event, error)
}

// Repair makes an embedded broker's case log whole again, while no broker runs.
type Repair struct {
	cfg      BrokerConfig
	spoolDir string
	lock     *flock.Flock
	found    survey
	known    marks
}

// OpenRepair reads the log and changes nothing.
func OpenRepair(cfg BrokerConfig, spoolDir string) (*Repair, error) {
	lock, err := lockDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("open the case log in %s: %w", cfg.Dir, err)
	}
	r, err := readRepair(cfg, spoolDir)
	if err != nil {
		return nil, errors.Join(err, lock.Unlock())
	}
	r.lock = lock
	return r, nil
}

// MakePlan is the plan of a repair, for a process that has the log's folder.
func MakePlan(ctx context.Context, cfg BrokerConfig, spoolDir string, from Elsewhere) (*Plan, error) {
	r, err := readRepair(cfg, spoolDir)
	if err != nil {
		return nil, err
	}
	return r.Plan(ctx, from)
}

func readRepair(cfg BrokerConfig, spoolDir string) (*Repair, error) {
	cfg = cfg.withDefaults()
	r := &Repair{cfg: cfg, spoolDir: spoolDir, known: cfg.Prefix.of(embeddedID(cfg.Topic))}
	var err error
	if r.found, err = surveyLog(r.data(), cfg.Topic, r.known); err != nil {
		return nil, fmt.Errorf("open the case log in %s: %w", cfg.Dir, err)
	}
	return r, nil
}

// Close frees the log's folder.
func (r *Repair) Close() error { return r.lock.Unlock() }

func (r *Repair) data() string { return filepath.Join(r.cfg.Dir, "data") }

// partitions is how many the log has, as far as anybody knows.
func (r *Repair) partitions() int {
	if r.known.Partitions > 0 {
		return r.known.Partitions
	}
	n := brokerFiles{data: r.data()}.readTopics()[r.cfg.Topic].Partitions
	if n == 0 || n > maxPartitions {
		n = r.cfg.Partitions
	}
	for id := range r.found.partitions {
		n = max(n, id+1)
	}
	return n
}

// Source says what an event is rebuilt from.
type Source string

// Where events can be had from.
const (
	FromDatabase Source = "database"
	FromEvidence Source = "evidence"
)

// Rebuilt is an event that can be had from elsewhere. Its offset is negative if
// it goes to the end of the log.
type Rebuilt struct {
	Partition int
	Offset    int64
	Event     enforce.Event
	From      Source
	Raw       []byte // as the database has it; nil from elsewhere
}

// Plan says what is wrong with a log, and what can be done about it.
type Plan struct {
	Loss    *Loss // nil: nothing is wrong
	Rebuilt []Rebuilt
	// Gone are the places of events that are known of from nowhere.
	Gone []enforce.Position
	// Altered are partitions whose events are not those that were written, and
	// nobody knows which.
	Altered []int
	// Beyond says that there may be more events that nobody knows of.
	Beyond bool
	// SetAside are events of the spool that cannot be read.
	SetAside []string

	write map[int][][]byte // batches of the partitions to write
}

// Whole reports whether nothing is lost for good.
func (p *Plan) Whole() bool { return len(p.Gone)+len(p.Altered)+len(p.SetAside) == 0 && !p.Beyond }

// Plan finds what is missing, and what can be rebuilt of it.
func (r *Repair) Plan(ctx context.Context, from Elsewhere) (*Plan, error) {
	w := work{Repair: r, from: from, plan: &Plan{write: map[int][][]byte{}}, n: r.partitions(), opened: map[string]bool{}, first: map[string]int64{}, open: map[int][]int64{}}
	if err := w.do(ctx); err != nil {
		return nil, fmt.Errorf("plan the repair of the case log: %w", err)
	}
	return w.plan, nil
}

// work is the making of a plan.
type work struct {
	*Repair
	from   Elsewhere
	plan   *Plan
	n      int // partitions
	places []Place

	opened map[string]bool  // cases that are opened by an event in the log
	first  map[string]int64 // offset of a case's first event
	open   map[int][]int64  // offsets of which nothing is known, by partition; those to rebuild from evidence
	all    bool             // evidence of any case may be of a lost one
}

func (w *work) do(ctx context.Context) error {
	w.places = slices.Clone(w.found.places)
	ends, err := w.from.Ends(ctx)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(ends)) {
		w.compareStored(id, ends[id])
	}
	if err := w.vanished(ctx); err != nil {
		return err
	}
	damaged := map[int]bool{}
	for _, p := range w.places {
		if p.Partition >= 0 {
			damaged[p.Partition] = true
		}
	}
	for id := range w.n {
		if err := w.partition(ctx, id, damaged[id]); err != nil {
			return err
		}
	}
	if w.plan.SetAside, err = setAside(w.spoolDir); err != nil {
		return err
	}
	w.all = w.all || len(w.plan.SetAside) > 0
	if err := w.fromEvidence(ctx); err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(w.open)) {
		for _, offset := range w.open[id] {
			w.plan.Gone = append(w.plan.Gone, enforce.Position{Partition: id, Offset: offset})
		}
	}
	if len(w.places) > 0 {
		w.plan.Loss = &Loss{w.places}
	}
	return nil
}

// compareStored notes a partition that ends before what the database has of it.
func (w *work) compareStored(id int, end int64) {
	p := w.found.partitions[id]
	if p.End >= end || slices.ContainsFunc(w.places, func(o Place) bool { return o.Partition == id && o.Until >= end }) {
		return
	}
	w.places = append(w.places, behindPlace(w.data(), w.cfg.Topic, id, p.End, end))
	w.n = max(w.n, id+1)
}

// vanished notes that the whole log has gone: nothing is remembered of one, and
// evidence was recorded.
func (w *work) vanished(ctx context.Context) error {
	if w.known.Of != nil || len(w.found.partitions) > 0 || len(w.places) > 0 {
		return nil
	}
	if _, err := os.Stat(w.data()); err == nil {
		return nil
	}
	cases, err := w.from.Suspected(ctx)
	if err != nil || len(cases) == 0 {
		return err
	}
	w.places = append(w.places, vanishedPlace(w.data(), len(cases)))
	w.all = true
	return nil
}

// partition reads what is left of a partition and, if it is damaged, puts it
// together anew.
func (w *work) partition(ctx context.Context, id int, damaged bool) error {
	pieces := map[int64]piece{}
	p := w.found.partitions[id]
	p.Dir = segment.Dir(partitionsDir(w.data()), w.cfg.Topic, id)
	_, err := p.Read(func(b segment.Batch) error {
		for _, r := range b.Records {
			if belongs(r, id, w.n) {
				w.hear(r.Offset, r.Value)
				pieces[r.Offset] = piece{record: r, batch: &b}
			}
		}
		return nil
	})
	if err != nil || !damaged {
		return err
	}
	stored, err := w.from.Stored(ctx, id)
	if err != nil {
		return err
	}
	end := w.known.Of[id].End
	for offset := range pieces {
		end = max(end, offset+1)
	}
	rebuilt := map[int64]piece{}
	for offset, payload := range stored {
		if e, ok := eventOf(payload); ok && partitionOf(e.Case, w.n) == id {
			r := segment.Record{Offset: offset, At: e.At, Key: []byte(e.Case), Value: payload}
			rebuilt[offset] = piece{record: r, event: e}
			end = max(end, offset+1)
		}
	}
	w.join(id, end, pieces, rebuilt)
	return nil
}

// piece is an event on its way into the log.
type piece struct {
	record segment.Record
	batch  *segment.Batch // that holds it; nil: it is rebuilt
	event  enforce.Event  // if it is rebuilt
}

// hear notes what an event in the log says.
func (w *work) hear(offset int64, value []byte) {
	e, ok := eventOf(value)
	if !ok {
		return
	}
	if _, known := w.first[e.Case]; !known {
		w.first[e.Case] = offset
	}
	w.opened[e.Case] = w.opened[e.Case] || e.Type == enforce.Suspected
}

func eventOf(value []byte) (e enforce.Event, ok bool) {
	return e, json.Unmarshal(value, &e) == nil && e.Complete() == nil
}

// join puts a partition together: what is left of it, and the rest from the
// database. Where only the database's word for an event makes the whole what is
// remembered of it, the database is right.
func (w *work) join(id int, end int64, left, rebuilt map[int64]piece) {
	chosen, other := map[int64]piece{}, map[int64]piece{}
	maps.Copy(chosen, rebuilt)
	maps.Copy(chosen, left)
	maps.Copy(other, left)
	maps.Copy(other, rebuilt)
	for offset, p := range other {
		if l, both := left[offset]; both && string(l.record.Value) == string(p.record.Value) {
			other[offset] = l
		}
	}
	m := w.known.Of[id]
	if !fits(chosen, m) && fits(other, m) {
		chosen = other
	}
	for offset := range end {
		p, there := chosen[offset]
		if there && p.batch == nil {
			w.hear(offset, p.record.Value)
			w.plan.Rebuilt = append(w.plan.Rebuilt, Rebuilt{id, offset, p.event, FromDatabase, p.record.Value})
		}
		if !there {
			w.open[id] = append(w.open[id], offset)
		}
	}
	if len(w.open[id]) == 0 && !fits(chosen, m) {
		w.plan.Altered = append(w.plan.Altered, id)
	}
	if m.Next == 0 {
		w.plan.Beyond = true // nobody remembers how far it went
	}
	w.plan.write[id] = batchesOf(chosen, end)
}

// fits reports whether events are those that are remembered.
func fits(events map[int64]piece, m mark) bool {
	var c chain
	for c.Next < m.Next {
		p, there := events[c.Next]
		if !there {
			return false
		}
		c = c.add(c.Next, p.record.Key, p.record.Value)
	}
	return c == m.chain
}

// batchesOf writes a partition: whole batches as they are, single events, and
// fillers.
func batchesOf(events map[int64]piece, end int64) (raw [][]byte) {
	for offset := int64(0); offset < end; {
		p, there := events[offset]
		switch {
		case there && p.batch != nil && p.batch.First == offset && holdsAll(events, p.batch):
			raw = append(raw, p.batch.Raw)
			offset = p.batch.Last + 1
			continue
		case there:
			raw = append(raw, segment.Encode(p.record))
		default:
			raw = append(raw, segment.Encode(segment.Record{Offset: offset, At: time.Unix(0, 0), Value: filler}))
		}
		offset++
	}
	return raw
}

// holdsAll reports whether every event of a batch is taken from it.
func holdsAll(events map[int64]piece, b *segment.Batch) bool {
	for offset := b.First; offset <= b.Last; offset++ {
		if p := events[offset]; p.batch == nil || p.batch.First != b.First {
			return false
		}
	}
	return true
}

// fromEvidence opens the cases anew that have evidence and no event that opened
// them, as many as are missing.
func (w *work) fromEvidence(ctx context.Context) error {
	if len(w.open) == 0 && !w.all && !w.plan.Beyond {
		return nil
	}
	waiting, err := spooled(w.spoolDir)
	if err != nil {
		return err
	}
	for _, e := range waiting {
		w.opened[e.Case] = w.opened[e.Case] || e.Type == enforce.Suspected
	}
	cases, err := w.from.Suspected(ctx)
	if err != nil {
		return err
	}
	for _, e := range cases {
		id := partitionOf(e.Case, w.n)
		_, written := w.plan.write[id]
		lacks := len(w.open[id]) > 0 || w.all || w.plan.Beyond && written
		if w.opened[e.Case] || !lacks {
			continue
		}
		w.opened[e.Case] = true
		w.plan.Rebuilt = append(w.plan.Rebuilt, Rebuilt{id, w.place(id, e), e, FromEvidence, nil})
	}
	return nil
}

// place takes a lost place for an event that opens a case, before all others of
// the case. Without one it goes to the end of the log.
func (w *work) place(id int, e enforce.Event) int64 {
	first, known := w.first[e.Case]
	if len(w.open[id]) == 0 || known && w.open[id][0] > first {
		return -1
	}
	offset := w.open[id][0]
	if w.cfg.Authors == nil {
		return -1 // it is signed on its way from the spool
	}
	value, err := w.cfg.Authors.Sign(e)
	if err != nil {
		return -1
	}
	w.open[id] = w.open[id][1:]
	w.plan.write[id][w.index(id, offset)] = segment.Encode(segment.Record{Offset: offset, At: e.At, Key: []byte(e.Case), Value: value})
	return offset
}

// index finds the batch of an offset among those to write.
func (w *work) index(id int, offset int64) int {
	i, _ := slices.BinarySearchFunc(w.plan.write[id], offset, func(raw []byte, offset int64) int {
		return int(segment.First(raw) - offset)
	})
	return i
}

// Write does what a plan says, and returns the folder in which the damaged files
// are kept. What goes to the end of the log waits in the spool.
func (r *Repair) Write(plan *Plan, now time.Time) (kept string, err error) {
	keep := newAside(r.cfg.Dir, now)
	for _, id := range slices.Sorted(maps.Keys(plan.write)) {
		dir := segment.Dir(partitionsDir(r.data()), r.cfg.Topic, id)
		if err := keep.keep(dir); err != nil {
			return "", err
		}
		err := segment.Write(dir, func(yield func([]byte) error) error {
			for _, raw := range plan.write[id] {
				if err := yield(raw); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	found, err := surveyLog(r.data(), r.cfg.Topic, marks{})
	if err != nil {
		return "", err
	}
	if loss := found.loss(); loss != nil {
		return keep.to, fmt.Errorf("the repaired log is not whole: %w", loss)
	}
	r.cfg.Prefix.put(embeddedID(r.cfg.Topic), found.marks(r.partitions()))
	return keep.to, errors.Join(r.cfg.Prefix.save(), settleAside(r.spoolDir))
}
