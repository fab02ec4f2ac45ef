package review

import (
	"strings"
	"testing"

	"tidewatch/enforce"
)

func TestFiles(t *testing.T) {
	odd := suspected(2, unread)
	odd.Violation.Evidence.Files = []enforce.File{{Kind: enforce.CloseUp, SHA256: "page", MediaType: "text/html"}, {Kind: enforce.UnitDue, SHA256: "unit", MediaType: "video/H265"}}
	b := newBureau(t, suspected(1, unread), odd)
	b.files = map[string][]byte{
		"closeup": []byte("a picture"), "clip": []byte("0123456789"), "manifest": []byte(`{}`), "page": []byte("<script>"), "unit": []byte("\x00\x00\x00\x01"),
		"strange": []byte("another case's"),
	}
	d := signedIn(t, b)
	for name, each := range map[string]struct {
		path              string
		headers           []string
		code              int
		body, media, disp string
	}{
		"picture":        {"1/files/closeup", nil, 200, "a picture", "image/jpeg", `inline; filename="case000000000001-close_up.jpg"`},
		"clip":           {"1/files/clip", nil, 200, "0123456789", "video/mp4", `inline; filename="case000000000001-clip.mp4"`},
		"part of a clip": {"1/files/clip", []string{"Range", "bytes=2-4"}, 206, "234", "video/mp4", `inline; filename="case000000000001-clip.mp4"`},
		"manifest":       {"1/files/manifest", nil, 200, "{}", "application/json", `inline; filename="case000000000001-manifest.json"`},
		"kept by the browser": {
			"1/files/closeup",
			[]string{"If-None-Match", `"closeup"`},
			304, "", "", `inline; filename="case000000000001-close_up.jpg"`,
		},
		"type not to be shown": {"2/files/page", nil, 200, "<script>", "application/octet-stream", `attachment; filename="case000000000002-close_up"`},
		"key unit":             {"2/files/unit", nil, 200, "\x00\x00\x00\x01", "application/octet-stream", `attachment; filename="case000000000002-unit_due.h265"`},
	} {
		t.Run(name, func(t *testing.T) {
			got := d.get("/cases/case00000000000"+each.path, each.headers...)
			if got.code != each.code || got.body != each.body {
				t.Errorf("%d %q, want %d %q", got.code, got.body, each.code, each.body)
			}
			if got.header.Get("Content-Type") != each.media || got.header.Get("Content-Disposition") != each.disp {
				t.Errorf("type %q, disposition %q", got.header.Get("Content-Type"), got.header.Get("Content-Disposition"))
			}
			if got.header.Get("Cache-Control") != "no-store" {
				t.Errorf("cache control %q", got.header.Get("Cache-Control"))
			}
		})
	}
	if logs := d.logs.String(); logs != "" {
		t.Errorf("logged %s", logs)
	}

	for name, path := range map[string]string{
		"stored, but not the case's": "1/files/strange",
		"another case's":             "2/files/closeup",
		"of no case":                 "9/files/closeup",
	} {
		t.Run(name, func(t *testing.T) {
			d.get("/cases/case00000000000"+path).wants(t, 404, "Not found")
		})
	}

	t.Run("lost", func(t *testing.T) {
		d.get("/cases/"+caseID(1)+"/files/due").wants(t, 404)
		if logs := d.logs.String(); !strings.Contains(logs, "evidence is missing") || strings.Count(logs, "\n") != 1 {
			t.Errorf("lost evidence must be logged, once: %q", logs)
		}
	})
}
