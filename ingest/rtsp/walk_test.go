package rtsp

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sort"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/prometheus/client_golang/prometheus"

	"tidewatch/ingest"
	"tidewatch/ingest/ring"
	"tidewatch/ingest/simcam"
)

var (
	walkFor  = flag.Duration("walk", time.Minute, "CPU time for which the random walk goes on")
	walkSeed = flag.Uint64("walk-seed", 0, "of one walk alone; 0 walks from a random one on")
)

// A walk plays films by a camera that does several things wrong at once, over a
// network that loses packets, and holds what comes out against the films. It has
// neither network nor clock, so that its seed gives the same walk again.
type walk struct {
	random *rand.Rand
	films  map[string]*footage
	tape   *simcam.Tape
	story  []string // what was done, for the report

	source *Source
	track  *track
	offer  offer
	units  *senders
	clock  *ingest.Clock
	ring   *ring.Ring
	now    time.Time
	report struct { // the newest sender report
		camera time.Time
		time   uint32
	}

	faults simcam.Faults
	paced  bool                   // the media clock has run wrong
	sent   []simcam.Sent          // all frames
	of     map[*ingest.Unit]place // of undamaged units
	before *ingest.Unit           // the newest of those
	whole  int                    // undamaged units in a row
	err    error
}

// place is where a unit is in a film.
type place struct {
	film  *footage
	frame int
}

func newWalk(seed uint64) (*walk, error) {
	films, err := library()
	if err != nil {
		return nil, err
	}
	w := &walk{random: rand.New(rand.NewPCG(seed, 0)), films: films, now: begin, of: map[*ingest.Unit]place{}}
	names := make([]string, 0, len(films))
	for name := range films {
		names = append(names, name)
	}
	sort.Strings(names)
	name := names[w.random.IntN(len(names))]
	w.did("film %q", name)
	if w.tape, err = simcam.NewTape(films[name].path); err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	w.source = New(ingest.Camera{ID: "kerb"}, ingest.Main, DefaultConfig(), NewMetrics(registry).Stream("kerb", ingest.Main), time.Now)
	w.ring = ring.New(ring.Config{Duration: time.Minute, Bytes: 1 << 30, Tolerance: 2 * time.Second}, ring.NewMetrics(registry).Camera("kerb"))
	w.clock = ingest.NewClock(ingest.ClockSpan)
	return w, w.connect()
}

func (w *walk) did(format string, args ...any) {
	w.story = append(w.story, fmt.Sprintf("%4d: ", len(w.sent))+fmt.Sprintf(format, args...))
}

func (w *walk) odds(of float64) bool { return w.random.Float64() < of }

func pick[T any](w *walk, from ...T) T { return from[w.random.IntN(len(from))] }

// connect begins a session.
func (w *walk) connect() error {
	body, err := w.tape.Describe()
	if err != nil {
		return err
	}
	said, ok := describe(body)
	if !ok {
		return errors.New("the camera describes no video")
	}
	if w.track, err = read(said.text); err != nil {
		return err
	}
	if w.offer = said; w.faults.Sets != simcam.ParametersDescribed && w.odds(0.5) {
		w.offer.sets = nil
	}
	w.source.session++
	w.did("session %d, %d sets described", w.source.session, len(w.offer.sets))
	w.units = w.source.senders(w.track, w.offer, newWatch(time.Hour, time.Hour), w.take)
	w.whole, w.report.camera = 0, time.Time{}
	return nil
}

// misbehave picks what the camera does wrong for a while.
func (w *walk) misbehave() {
	f := simcam.Faults{LossSeed: w.random.Uint64()}
	if w.odds(0.7) {
		f.Packing = simcam.Packing{
			Payload:  pick(w, 0, 0, 60, 200, 1000),
			Separate: w.odds(0.5),
			Marker:   pick(w, simcam.MarkPictures, simcam.MarkSlices, simcam.MarkNALUs, simcam.MarkNothing),
			Sets:     pick(w, simcam.ParametersBefore, simcam.ParametersApart, simcam.ParametersDescribed),
		}
	}
	if len(w.offer.sets) == 0 && f.Sets == simcam.ParametersDescribed {
		f.Sets = simcam.ParametersBefore
	}
	if w.odds(0.4) {
		f.Loss = pick(w, 0.005, 0.03, 0.2)
	}
	if w.odds(0.3) {
		f.MediaGain = pick(w, -1, -0.9, -0.16, 0.1, 9.5)
	}
	f.Foreign = w.odds(0.2)
	f.NoReports = w.odds(0.2)
	if w.odds(0.3) {
		f.ClockOffset = pick(w, time.Second, time.Hour, -8*time.Hour)
	}
	f.ClockDrift = pick[float64](w, 0, 0, 500, -500)
	w.faults, w.paced = f, w.paced || f.MediaGain != 0
	w.tape.Misbehave(f)
	w.did("%+v", f)
}

// show switches to another film of the same codec.
func (w *walk) show() error {
	var others []string
	for name, f := range w.films {
		if f.format.Codec == w.track.codec {
			others = append(others, name)
		}
	}
	sort.Strings(others)
	name := others[w.random.IntN(len(others))]
	w.did("film %q", name)
	if err := w.tape.Show(w.films[name].path); err != nil {
		return err
	}
	// Nobody can know new sets that are described alone, nor see that the first of
	// a session are lost, where others are described.
	if w.faults.Sets == simcam.ParametersDescribed || w.units.known == nil && w.units.chosen == nil {
		return w.connect()
	}
	if name == "h264 open" || name == "h264 refresh" || name == "h265 open" {
		// The key units after the first bring no sets: who misses those does not
		// know of them until the film begins anew.
		w.tape.Misbehave(without(w.faults))
		err := w.play(1, false)
		w.tape.Misbehave(w.faults)
		return err
	}
	return nil
}

func without(f simcam.Faults) simcam.Faults {
	f.Loss = 0
	return f
}

// play sends so many frames.
func (w *walk) play(frames int, losses bool) error {
	for range frames {
		sent, err := w.tape.Next()
		if err != nil {
			return err
		}
		number := len(w.sent)
		w.sent = append(w.sent, sent)
		packets := sent.Packets
		if losses && w.odds(0.04) {
			packets = w.lose(packets)
		}
		if err := w.deliver(packets, sent); err != nil {
			w.did("the session ends: %v", err)
			if err := w.connect(); err != nil {
				return err
			}
		}
		if w.err != nil {
			return fmt.Errorf("frame %d: %w", number, w.err)
		}
	}
	return nil
}

// lose has the network lose the packets at one end of a frame, or all.
func (w *walk) lose(packets []*rtp.Packet) []*rtp.Packet {
	n := 1 + w.random.IntN(max(1, len(packets)))
	n = pick(w, 1, 1, n, len(packets))
	n = min(n, len(packets))
	if w.odds(0.5) {
		w.did("the first %d of %d packets get lost", n, len(packets))
		return packets[n:]
	}
	w.did("the last %d of %d packets get lost", n, len(packets))
	return packets[:len(packets)-n]
}

// deliver takes the packets of a frame in, as Source.receive does.
func (w *walk) deliver(packets []*rtp.Packet, sent simcam.Sent) error {
	w.now = begin.Add(sent.Due + time.Duration(w.random.Int64N(int64(30*time.Millisecond))))
	if !w.faults.NoReports && (w.report.camera.IsZero() || len(w.sent)%50 == 0) {
		w.report.time = sent.Time
		w.report.camera = begin.Add(sent.Due + w.faults.ClockOffset + time.Duration(float64(sent.Due)*w.faults.ClockDrift/1e6))
	}
	for _, pkt := range packets {
		if pkt.PayloadType != w.track.rtp.PayloadType() {
			continue
		}
		stamp := ingest.Stamp{Arrival: w.now}
		if !w.report.camera.IsZero() && pkt.SSRC == 0 {
			stamp.Camera = w.report.camera.Add(time.Duration(int32(pkt.Timestamp-w.report.time)) * time.Second / clockRate)
		}
		if err := w.units.packet(pkt, stamp); err != nil {
			return err
		}
	}
	return nil
}

// take takes a unit, as a feed does, and holds it against the films.
func (w *walk) take(u *ingest.Unit) {
	w.clock.Stamp(u)
	w.ring.Add(u)
	if u.Damaged {
		w.whole = 0
		return
	}
	w.whole++
	if err := w.check(u); err != nil && w.err == nil {
		w.err = err
	}
}

// check says what is wrong with a unit that is taken for whole.
func (w *walk) check(u *ingest.Unit) error {
	found, err := w.find(u)
	if err != nil {
		return err
	}
	w.of[u] = found
	p := found.film.pictures[found.frame]
	if !u.Key {
		return nil
	}
	shown, err := w.showsAlone(u)
	if err != nil {
		return fmt.Errorf("key unit %s (announced: %v) does not decode alone: %w", found, u.Announced(), err)
	}
	if shown != p.shown {
		return fmt.Errorf("key unit %s alone shows another picture", found)
	}
	return nil
}

func (p place) String() string { return fmt.Sprintf("%s:%d", filepath.Base(p.film.path), p.frame) }

// find finds the frame that a unit is of, which must follow the one before.
func (w *walk) find(u *ingest.Unit) (place, error) {
	needed, ok := u.Format.Needed(u.NALUs)
	if !ok {
		return place{}, errors.New("a whole unit needs unknown sets")
	}
	is := slicesOf(u.Format.Codec, u.NALUs)
	var found, foreign []place // with its own sets, with others
	for _, f := range w.films {
		for i, p := range f.pictures {
			switch {
			case p.slices != is:
			case p.sets == digestOf(nalusOf(needed)):
				found = append(found, place{f, i})
			default:
				foreign = append(foreign, place{f, i})
			}
		}
	}
	switch {
	case len(found) > 0:
	case len(foreign) > 0:
		return place{}, fmt.Errorf("%s comes with sets of another", foreign[0])
	default:
		return place{}, fmt.Errorf("a whole unit of %d NALUs, key %v, is no picture of any film", len(u.NALUs), u.Key)
	}
	before, follows := w.of[w.before]
	w.before = u
	switch {
	case u.Key:
		return found[0], nil
	case !follows || w.whole == 1:
		return place{}, fmt.Errorf("%s builds on what was lost", found[0])
	}
	for _, p := range found {
		if p.film == before.film && p.frame == (before.frame+1)%len(p.film.pictures) {
			return p, nil
		}
	}
	return place{}, fmt.Errorf("%s follows %s, and nothing is said to be lost", found[0], before)
}

// shownAlone are pictures of key units, by what a decoder is given.
var shownAlone = map[digest]string{}

func (w *walk) showsAlone(u *ingest.Unit) (string, error) {
	is := digestOf(u.Format.Prepend(u.NALUs))
	if shown, known := shownAlone[is]; known {
		return shown, nil
	}
	shown, err := alone(u)
	if err == nil {
		shownAlone[is] = shown
	}
	return shown, err
}

// run walks.
func (w *walk) run() error {
	for range 2 + w.random.IntN(5) {
		w.misbehave()
		if w.odds(0.2) {
			if err := w.show(); err != nil {
				return err
			}
		}
		frames, losses, session := 5+w.random.IntN(60), w.odds(0.6), w.source.session
		if err := w.play(frames, losses); err != nil {
			return err
		}
		if frames >= 50 && !losses && w.faults.Loss == 0 && w.source.session == session && w.whole < 10 {
			return fmt.Errorf("nothing was lost in %d frames, and the newest %d units are whole", frames, w.whole)
		}
	}
	return w.heal()
}

// heal has the camera and the network do nothing wrong: pictures must come again.
func (w *walk) heal() error {
	w.faults = simcam.Faults{}
	w.tape.Misbehave(w.faults)
	w.did("healed")
	const frames = 110 // three of the longest groups: a sender that fell silent may have ended a session in the first
	if err := w.play(frames, false); err != nil {
		return err
	}
	if w.whole < 10 {
		return fmt.Errorf("healed for %d frames, and the newest %d units are whole", frames, w.whole)
	}
	return w.clip()
}

// clip cuts the newest video and has it decoded.
func (w *walk) clip() error {
	clip, err := w.ring.Cut(w.now.Add(-time.Duration(2+w.random.IntN(20))*time.Second), w.now.Add(-time.Second/2))
	if errors.Is(err, ring.ErrEmpty) && w.paced {
		return nil // for a while nobody knows when its pictures were taken
	}
	if errors.Is(err, ring.ErrEmpty) || len(clip.Units) == 0 {
		return fmt.Errorf("healed, and there is no clip: %w", err)
	}
	file, err := os.Create(filepath.Join(scratch, "walk.mp4"))
	if err != nil {
		return err
	}
	defer file.Close()
	if err := clip.WriteMP4(file); err != nil {
		return err
	}
	shown, err := digests(file.Name())
	if err != nil {
		return fmt.Errorf("clip of %d: %w", len(clip.Units), err)
	}
	var want []string
	for _, u := range clip.Units {
		of, whole := w.of[u]
		if !whole {
			return errors.New("a damaged unit is in the clip")
		}
		want = append(want, of.film.pictures[of.frame].shown)
	}
	// B pictures are shown in another order.
	slices.Sort(want)
	slices.Sort(shown)
	if !slices.Equal(want, shown) {
		return fmt.Errorf("the clip of %d units from %s on shows %d pictures, or others", len(want), w.of[clip.Units[0]], len(shown))
	}
	return nil
}

// TestWalk walks at random over what cameras and networks do wrong: whatever is
// taken for whole is, and whole pictures come once nothing is wrong.
//
//	go test ./ingest/rtsp -run TestWalk -walk 10m
//	go test ./ingest/rtsp -run TestWalk -walk-seed 7
func TestWalk(t *testing.T) {
	seed, walks, frames := *walkSeed, 0, 0
	if seed == 0 {
		seed = rand.Uint64() >> 1
	}
	before := runtime.NumGoroutine()
	for began := cpuTime(); walks == 0 || *walkSeed == 0 && cpuTime()-began < *walkFor; walks++ {
		w, err := newWalk(seed)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.run(); err != nil {
			t.Errorf("walk %d (-walk-seed %d): %v\n%s", walks, seed, err, strings.Join(w.story, "\n"))
			if walks > 200 {
				t.FailNow()
			}
		}
		frames += len(w.sent)
		seed++
	}
	t.Logf("%d walks over %d frames, the last with seed %d", walks, frames, seed-1)
	if now := runtime.NumGoroutine(); now > before {
		t.Errorf("%d goroutines before, %d after", before, now)
	}
}

// cpuTime is what this process and those that it has waited for have used.
func cpuTime() time.Duration {
	total := time.Duration(0)
	for _, who := range []int{syscall.RUSAGE_SELF, syscall.RUSAGE_CHILDREN} {
		var used syscall.Rusage
		if err := syscall.Getrusage(who, &used); err != nil {
			panic(err)
		}
		total += time.Duration(used.Utime.Nano() + used.Stime.Nano())
	}
	return total
}
