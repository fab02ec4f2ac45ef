package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"

	"tidewatch/cmd/tidewatch/config"
	"tidewatch/enforce"
	"tidewatch/enforce/evidence/keys"
	"tidewatch/enforce/proof"
	"tidewatch/storage/blob"
	"tidewatch/storage/clickhouse"
)

// elsewhere is what the database and the evidence know of the case log's events.
type elsewhere struct {
	cfg   *config.Config
	cases *clickhouse.Cases // nil: the database cannot be asked
}

// Ends implements kafka.Elsewhere.
func (e elsewhere) Ends(ctx context.Context) (map[int]int64, error) {
	if e.cases == nil {
		return map[int]int64{}, nil
	}
	return e.cases.Ends(ctx)
}

// Stored implements kafka.Elsewhere.
func (e elsewhere) Stored(ctx context.Context, partition int) (map[int64][]byte, error) {
	if e.cases == nil {
		return map[int64][]byte{}, nil
	}
	return e.cases.Stored(ctx, partition)
}

// Suspected implements kafka.Elsewhere. Of a case that was recorded twice, as the
// first recording was interrupted, the newer evidence counts.
func (e elsewhere) Suspected(ctx context.Context) (list []enforce.Event, err error) {
	log, err := e.evidence(ctx)
	if err != nil {
		return nil, err
	}
	files := blob.ReadDir(filepath.Join(e.cfg.Data, "files"))
	newest := map[string]enforce.Event{}
	var order []string
	for leaf, at := range log.Manifests() {
		event, err := suspicionOf(ctx, files, leaf, at)
		if err != nil {
			continue // a check of the evidence finds what is wrong with it
		}
		if _, again := newest[event.Case]; !again {
			order = append(order, event.Case)
		}
		newest[event.Case] = event
	}
	for _, id := range order {
		list = append(list, newest[id])
	}
	return list, ctx.Err()
}

// evidence reads the log of evidence.
func (e elsewhere) evidence(ctx context.Context) (*proof.Log, error) {
	public, err := keys.Public(keyDir(e.cfg))
	if err != nil {
		return nil, err
	}
	log := proof.ReadLog(ctx, logDir(e.cfg), public, proof.NewReport(public))
	return log, ctx.Err()
}

// count is how many cases there is evidence of.
func (e elsewhere) count(ctx context.Context) (int, error) {
	log, err := e.evidence(ctx)
	if err != nil {
		return 0, err
	}
	cases := map[string]bool{}
	for leaf := range log.Manifests() {
		cases[leaf.Case] = true
	}
	return len(cases), nil
}

// suspicionOf is the event that opened a case, as its manifest tells it.
func suspicionOf(ctx context.Context, files *blob.Dir, leaf proof.Leaf, at uint64) (enforce.Event, error) {
	file, err := files.Open(ctx, leaf.Manifest)
	if err != nil {
		return enforce.Event{}, err
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	if err != nil {
		return enforce.Event{}, err
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != leaf.Manifest {
		return enforce.Event{}, fmt.Errorf("manifest %s was altered", leaf.Manifest)
	}
	m, err := proof.ParseManifest(text)
	if err != nil {
		return enforce.Event{}, err
	}
	v := m.Violation
	v.Evidence = enforce.Evidence{Manifest: leaf.Manifest, Files: m.Files, Signature: leaf.Signature, Leaf: at}
	event := enforce.Event{
		ID: v.ID + "/suspected", Case: v.ID, Type: enforce.Suspected, At: m.RecordedAt,
		Actor: "camera/" + v.Camera.ID, Violation: &v,
	}
	if v.ID != leaf.Case {
		return enforce.Event{}, fmt.Errorf("manifest %s is of case %s, and was logged for %s", leaf.Manifest, v.ID, leaf.Case)
	}
	return event, event.Validate()
}
