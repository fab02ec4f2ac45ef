package main

import (
	"encoding/json"
	"time"

	"tidewatch/enforce"
)

func forgeries() []forgery {
	decided := enforce.Decision{Plate: "川A54321", Reason: "forged"}
	decision := func(kind enforce.EventType) func(*world, string) any {
		return func(_ *world, id string) any {
			e := event(id, kind, 1)
			e.Decision = &decided
			return e
		}
	}
	return []forgery{
		{"confirmed in an officer's name", forgedCase, decision(enforce.Confirmed), moved},
		{"confirmed with the signature of another decision", replayedCase, replayed, moved},
		{"confirmed with a signature that is rubbish", replayedCase, rubbish, moved},
		{"rejected in an officer's name", closedCase, decision(enforce.Rejected), moved},
		{"warned in an officer's name", closedCase, decision(enforce.Warned), moved},
		{"a decision that another was made of again", confirmedCase, func(w *world, _ string) any { return json.RawMessage(w.Genuine) }, sentTwice},
		{"held in an officer's name", keptCase, func(_ *world, id string) any {
			e := event(id, enforce.Held, 0)
			e.Hold = &enforce.Hold{Reason: "forged"}
			return e
		}, recorded(enforce.Held)},
		{"released in an officer's name", keptCase, func(_ *world, id string) any {
			e := event(id, enforce.Released, 0)
			e.Hold = &enforce.Hold{Reason: "forged"}
			return e
		}, recorded(enforce.Released)},
		{"a receipt of the police", keptCase, func(_ *world, id string) any {
			e := event(id, enforce.Receipted, 0)
			e.Actor, e.Receipt = "uploader", &enforce.Receipt{Platform: "forged", ID: "1", Accepted: true, Code: "0", At: time.Now().UTC()}
			return e
		}, recorded(enforce.Receipted)},
		{"a deletion of evidence", keptCase, func(_ *world, id string) any {
			e := event(id, enforce.Deleted, 0)
			e.Actor, e.Deletion = "retention", &enforce.Deletion{Files: []enforce.FileName{{Kind: enforce.Clip, SHA256: "00"}}, Rule: "forged"}
			return e
		}, recorded(enforce.Deleted)},
	}
}

// replayed is a genuine decision with another case's ID, whatever else it
// bears.
func replayed(w *world, id string) any {
	var e map[string]any
	if err := json.Unmarshal(w.Genuine, &e); err != nil {
		return err.Error()
	}
	e["case"], e["id"], e["revision"] = id, "replayed", 1
	return e
}

// rubbish is that with every unknown text replaced.
func rubbish(w *world, id string) any {
	e, ok := replayed(w, id).(map[string]any)
	if !ok {
		return nil
	}
	for name, value := range e {
		switch name {
		case "id", "case", "type", "at", "actor", "revision", "decision":
		default:
			if _, text := value.(string); text {
				e[name] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
			}
		}
	}
	e["id"] = "rubbish"
	return e
}
