package review

import (
	"errors"
	"testing"
	"time"

	"tidewatch/detect"
	"tidewatch/enforce"
	"tidewatch/enforce/police"
)

func TestCodesHaveWords(t *testing.T) {
	codes := map[string][]string{
		"reject":  rejectReasons,
		"outcome": {string(enforce.Void), string(enforce.Repeated)},
		"upload":  {"waiting", "retrying", "accepted", "refused"},
		"actor":   {"camera", "officer", "uploader"},
		"error":   {"400", "403", "404", "500", "400.what", "403.what", "404.what", "500.what"},
		"decide":  {string(enforce.Confirmed), string(enforce.Rejected)},
	}
	for _, kind := range failureKinds {
		codes["failure"] = append(codes["failure"], string(kind))
	}
	add := func(prefix, code string) { codes[prefix] = append(codes[prefix], code) }
	for _, s := range enforce.States {
		add("state", string(s))
		add("empty", string(s))
		add("empty", string(s)+".what")
	}
	for _, class := range []detect.Class{detect.Car, detect.Bus, detect.Truck, detect.Motorcycle, detect.Bicycle} {
		add("class", string(class))
	}
	for _, kind := range []enforce.FileKind{
		enforce.SceneBegin, enforce.SceneMiddle, enforce.SceneDue, enforce.CloseUp, enforce.Clip,
	} {
		add("picture", string(kind))
		add("picture", string(kind)+".what")
	}
	for _, kind := range []enforce.FileKind{
		enforce.Plate, enforce.Composite, enforce.MarkedBegin, enforce.MarkedMiddle, enforce.MarkedDue, enforce.MarkedCloseUp,
		enforce.UnitBegin, enforce.UnitMiddle, enforce.UnitDue, enforce.UnitPlate,
	} {
		add("picture", string(kind))
	}
	for _, e := range []enforce.EventType{
		enforce.Suspected, enforce.StopEnded, enforce.Confirmed, enforce.Rejected, enforce.UploadFailed,
		enforce.Timestamped, enforce.Deleted, enforce.Held, enforce.Released,
	} {
		add("event", string(e))
	}
	for _, f := range catalogs[english].facts(enforce.Case{}, opened, time.UTC) {
		add("fact", f.Key)
	}
	for prefix, list := range codes {
		for _, code := range list {
			for lang, text := range catalogs {
				if _, known := text[prefix+"."+code]; !known {
					t.Errorf("%s: %s.%s has no words", lang, prefix, code)
				}
			}
		}
	}
}

func TestClockError(t *testing.T) {
	for _, each := range []struct {
		name string
		file enforce.File
		want string
	}{
		{"no camera clock", enforce.File{ClockError: time.Hour}, "camera clock unknown, server time shown"},
		{"small", enforce.File{CameraTime: opened, ClockError: -49 * time.Millisecond}, "camera clock exact"},
		{"fast", enforce.File{CameraTime: opened, ClockError: 3 * time.Second}, "camera clock 3 s fast"},
		{"slow", enforce.File{CameraTime: opened, ClockError: -400 * time.Millisecond}, "camera clock 0.4 s slow"},
	} {
		t.Run(each.name, func(t *testing.T) {
			if got := catalogs[english].clockError(each.file); got != each.want {
				t.Errorf("got %q, want %q", got, each.want)
			}
		})
	}
}

func TestRejection(t *testing.T) {
	for recorded, want := range map[string]string{
		"emergency":              "Emergency service on duty",
		"other: seen: by itself": "Other; seen: by itself",
		"free words of old":      "free words of old",
		"unknown: words":         "unknown: words",
	} {
		t.Run(recorded, func(t *testing.T) {
			if got := catalogs[english].rejection(recorded); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

var failureKinds = []police.Kind{
	police.Unreachable, police.Busy, police.Unwelcome, police.Unclear, police.Faulty, police.NoEvidence, police.Other,
}

func TestFailure(t *testing.T) {
	for name, each := range map[string]struct{ recorded, text, raw string }{
		"known kind": {
			(&police.Problem{Kind: police.Busy, Err: errors.New("503: later")}).Error(),
			"Upload attempt 2 failed: the police platform is busy", "503: later",
		},
		"unknown kind": {"strange: words", "Upload attempt 2 failed: another reason", "strange: words"},
		"no kind":      {"words", "Upload attempt 2 failed: another reason", "words"},
		"kind alone":   {"busy", "Upload attempt 2 failed: the police platform is busy", ""},
		"not a kind":   {"raw: words", "Upload attempt 2 failed: another reason", "raw: words"},
	} {
		t.Run(name, func(t *testing.T) {
			text, raw := catalogs[english].failure(enforce.Failure{Attempt: 2, Error: each.recorded})
			if text != each.text || raw != each.raw {
				t.Errorf("got %q, %q; want %q, %q", text, raw, each.text, each.raw)
			}
		})
	}
}

func TestSpaced(t *testing.T) {
	for text, want := range map[string]string{
		"川A12345": "川A·12345", "川AD12345": "川A·D12345", "WJ川12345": "WJ川12345", "使123456": "使123456", "川A": "川A", "": "",
	} {
		t.Run(text, func(t *testing.T) {
			if got := spaced(text); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}
