package authors

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"tidewatch/enforce"
	"tidewatch/enforce/proof"
)

// CaseLog is a case log as it stands.
type CaseLog struct {
	Cluster, Topic string
	Ends           []int64 // offset after the last event, by partition
	// Home is the partition, of so many, in which a case has its place.
	Home func(violation string, partitions int) int
	// Read gives all that the log holds, in order in each partition.
	Read func(ctx context.Context, visit func(raw []byte, at enforce.Position)) error
}

// ErrForeign says that a case log holds what others have signed.
var ErrForeign = errors.New("the case log holds events that were signed by keys that this system never had")

// Settle takes note of the log that is read. It must come before anything of it
// is checked. At the first start with signed events it lists what the log holds.
func (a *Authors) Settle(ctx context.Context, l CaseLog) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	record, known := a.roster.Log(l.Cluster, l.Topic)
	var err error
	if known && !a.cfg.Adopt {
		a.earlier, err = a.load(record.Earlier)
	} else {
		record, err = a.meet(ctx, l)
	}
	if err != nil {
		return err
	}
	ended := a.bound(&record, l.Ends, known)
	a.log, a.home = &record, l.Home
	if a.readOnly || known && !ended && !a.cfg.Adopt {
		return nil
	}
	a.roster.Logs = slices.DeleteFunc(a.roster.Logs, func(r proof.LogRecord) bool { return r.Cluster == l.Cluster && r.Topic == l.Topic })
	a.roster.Logs = append(a.roster.Logs, record)
	return a.saveRoster()
}

// meet looks at a log for the first time. Where this system wrote before it had
// keys, what is not signed counts; in every other log nothing does.
func (a *Authors) meet(ctx context.Context, l CaseLog) (proof.LogRecord, error) {
	record := proof.LogRecord{Cluster: l.Cluster, Topic: l.Topic, Partitions: len(l.Ends)}
	upgrade := len(a.roster.Logs) == 0 && !a.roster.Fresh
	var found earlier
	foreign := 0
	err := l.Read(ctx, func(raw []byte, at enforce.Position) {
		e, err := parse(raw)
		if err != nil {
			return // it is no event
		}
		_, err = a.keys.Check(e, raw)
		signed := !errors.Is(err, proof.ErrUnsigned)
		switch {
		case err == nil: // it counts by its signature
		case a.cfg.Adopt || upgrade && !signed:
			found.add(at, raw)
		case signed:
			foreign++
		}
	})
	if err != nil {
		return record, fmt.Errorf("read the case log for the first time: %w", err)
	}
	if foreign > 0 {
		return record, fmt.Errorf("%w: %d of them; %s", ErrForeign, foreign, howFound)
	}
	a.earlier = found
	if !a.readOnly {
		record.Earlier, err = a.keep(found)
	}
	return record, err
}

// bound ends each replaced key where the log ends now, if it has no end yet. In
// a new log it never counted.
func (a *Authors) bound(record *proof.LogRecord, ends []int64, known bool) (changed bool) {
	if !known {
		ends = make([]int64, len(ends))
	}
	retired := maps.Clone(record.Retired)
	for _, k := range a.roster.Keys {
		if _, has := retired[k.Name()]; has || k.Retired.IsZero() || a.readOnly {
			continue
		}
		if retired == nil {
			retired = map[string][]int64{}
		}
		retired[k.Name()], changed = slices.Clone(ends), true
	}
	record.Retired = retired
	return changed
}

// Earlier is how many events count in the log although they are not signed with
// a key of this system.
func (a *Authors) Earlier() int {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return a.earlier.count()
}

// Partitions is in how many partitions cases have their places; 0 while the log
// has not been met.
func (a *Authors) Partitions() int {
	a.mu.RLock()
	defer a.mu.RUnlock()
	if a.log == nil {
		return 0
	}
	return a.log.Partitions
}
