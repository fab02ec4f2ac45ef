package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"tidewatch/enforce"
	"tidewatch/storage/kafka"
)

// repairTopic makes good what a topic of the operator's own has lost: what the
// database or the evidence knows of and the topic has not is appended to it. What
// is known of the topic must be that it is ours.
func (a *App) repairTopic(ctx context.Context, write bool, out io.Writer) error {
	if a.store.cases == nil {
		return errors.New("without the database there is no telling what the topic had")
	}
	folder, err := os.MkdirTemp("", "tidewatch-spool-") // what waits in the usual one comes after all this
	if err != nil {
		return fmt.Errorf("open the case log: %w", err)
	}
	defer os.RemoveAll(folder)
	settings := logConfig(a.cfg)
	settings.SpoolDir, settings.Authors = filepath.Join(folder, "spool"), a.seal.authors
	l, err := kafka.NewLog(settings, a.log, a.registry)
	if err != nil {
		return fmt.Errorf("open the case log: %w", err)
	}
	defer l.Close()
	there := heard{events: map[string]bool{}, opened: map[string]bool{}}
	if err := toTheEnd(ctx, l, there.hear); err != nil {
		return err
	}
	plan := &kafka.Plan{}
	if plan.Rebuilt, err = a.lacking(ctx, there); err != nil {
		return err
	}
	if len(plan.Rebuilt) == 0 {
		fmt.Fprintln(out, "the topic has every event that database and evidence know of: there is nothing to do")
		return nil
	}
	tell(out, plan)
	if !write {
		fmt.Fprintln(out, "nothing was changed; --write appends what is rebuilt to the topic. See first that the topic is as it must be")
		return nil
	}
	if err := restore(ctx, l, plan, records(plan, "", time.Now())); err != nil {
		return err
	}
	if n := l.Waiting(); n > 0 {
		return fmt.Errorf("kafka did not take %d events: run it again when it does", n)
	}
	fmt.Fprintf(out, "appended to the topic: %d events; start Tidewatch again\n", len(plan.Rebuilt))
	return nil
}

// heard is which events a log has.
type heard struct{ events, opened map[string]bool }

func (h heard) hear(checked enforce.Checked) {
	if e, proven := checked.Proven(); proven {
		h.note(e)
	}
}

func (h heard) note(e enforce.Event) {
	h.events[e.Case+"\x00"+e.ID] = true
	h.opened[e.Case] = h.opened[e.Case] || e.Type == enforce.Suspected
}

// lacking are the events that database or evidence know of and a log has not.
func (a *App) lacking(ctx context.Context, there heard) (list []kafka.Rebuilt, err error) {
	add := func(e enforce.Event, from kafka.Source, raw []byte) {
		if !there.events[e.Case+"\x00"+e.ID] {
			there.note(e)
			list = append(list, kafka.Rebuilt{Offset: -1, Event: e, From: from, Raw: raw})
		}
	}
	err = a.store.cases.All(ctx, func(payload []byte) error {
		var e enforce.Event
		if err := json.Unmarshal(payload, &e); err != nil {
			return fmt.Errorf("read a stored event: %w", err)
		}
		add(e, kafka.FromDatabase, payload)
		return nil
	})
	if err != nil {
		return nil, err
	}
	suspected, err := elsewhere{a.cfg, a.store.cases}.Suspected(ctx)
	for _, e := range suspected {
		if !there.opened[e.Case] {
			add(e, kafka.FromEvidence, nil)
		}
	}
	return list, err
}
