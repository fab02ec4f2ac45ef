package viid

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidewatch/enforce"
	"tidewatch/enforce/police"
	"tidewatch/enforce/police/simpolice"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestGoldenPayload(t *testing.T) {
	k, stored := kerbCase(t)
	p := newPlatform(t)
	var sent []byte
	p.url = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == vehiclesPath {
			sent, _ = io.ReadAll(r.Body)
			r.Body = io.NopCloser(strings.NewReader(string(sent)))
		}
		p.ServeHTTP(w, r)
	}))
	receipt, err := p.client(t, stored).Submit(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	want := enforce.Receipt{
		Platform: PlatformName, ID: p.Vehicles()[0].ID, Accepted: true, Code: "0", Message: "正常",
	}
	if diff := cmp.Diff(want, receipt); diff != "" {
		t.Error(diff)
	}
	golden := filepath.Join("testdata", "payload.golden.json")
	got := normalised(t, sent)
	if *update {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(kept), string(got)); diff != "" {
		t.Error(diff)
	}
}

// normalised is a payload with its pictures' bytes counted, not shown.
func normalised(t *testing.T, payload []byte) []byte {
	t.Helper()
	var whole map[string]map[string][]map[string]any
	if err := json.Unmarshal(payload, &whole); err != nil {
		t.Fatal(err)
	}
	for _, vehicle := range whole["MotorVehicleListObject"]["MotorVehicleObject"] {
		for _, picture := range vehicle["SubImageList"].(map[string]any)["SubImageInfoObject"].([]any) {
			picture := picture.(map[string]any)
			picture["Data"] = fmt.Sprintf("%d characters of base64", len(picture["Data"].(string)))
		}
	}
	text, err := json.MarshalIndent(whole, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return append(text, '\n')
}

func TestMannersOfPlatforms(t *testing.T) {
	tests := map[string]simpolice.Manners{
		"plain":                     {},
		"codes as text":             {TextCodes: true},
		"nulls":                     {Nulls: true},
		"epoch times":               {EpochTimes: true},
		"one status for all":        {OneStatus: true},
		"all of it":                 {TextCodes: true, Nulls: true, EpochTimes: true, OneStatus: true, NoUnregister: true},
		"challenge without blanks":  {Challenge: `Digest realm="viid",nonce="%s",qop="auth",algorithm=MD5`},
		"challenge, quoted MD5":     {Challenge: `Digest realm="viid",nonce="%s",algorithm="MD5",qop="auth"`},
		"challenge, no algorithm":   {Challenge: `Digest realm="viid", nonce="%s", qop="auth"`},
		"challenge, lower case":     {Challenge: `digest realm="视图库",qop="auth",nonce="%s",opaque="x=y",algorithm=md5`},
		"challenge, choice of qop":  {Challenge: `Digest realm="viid",nonce="%s",qop="auth-int, auth",stale=false`},
		"challenge, unquoted qop":   {Challenge: `Digest realm="viid",nonce="%s",qop=auth,algorithm=MD5`},
		"challenge, trailing blank": {Challenge: `  Digest  realm="viid" , nonce="%s" , qop="auth"  `},
	}
	for name, manners := range tests {
		t.Run(name, func(t *testing.T) {
			k, stored := kerbCase(t)
			p := newPlatform(t)
			p.Behave(manners)
			c := p.client(t, stored)
			receipt, err := c.Submit(t.Context(), k)
			if err != nil || !receipt.Accepted || receipt.Code != "0" {
				t.Fatalf("receipt %+v, error %v", receipt, err)
			}
			if got := p.Vehicles(); len(got) != 1 || got[0].Plate != "川A12345" || got[0].Received != 1 || got[0].ID != receipt.ID {
				t.Errorf("the platform has %+v", got)
			}
			if err := c.keepalive(t.Context()); err != nil {
				t.Error(err)
			}
			c.unregister(t.Context())
			if got := p.log.String(); got != "" {
				t.Errorf("logged %s", got)
			}
			if p.Registered() != manners.NoUnregister {
				t.Errorf("registered %v after unregistering", p.Registered())
			}
		})
	}
}

func TestTroublesOfPlatforms(t *testing.T) {
	type result struct {
		Kind    police.Kind // of the error
		Refused string      // or the code of a refusal
		Kept    int         // vehicles on the platform
	}
	tests := map[string]struct {
		trouble simpolice.Trouble
		want    result
	}{
		"busy":                 {simpolice.Trouble{Code: 2}, result{Kind: police.Busy}},
		"rebooting":            {simpolice.Trouble{Code: 9}, result{Kind: police.Busy}},
		"other error":          {simpolice.Trouble{Code: 1}, result{Kind: police.Faulty}},
		"device error":         {simpolice.Trouble{Code: 3}, result{Kind: police.Faulty}},
		"a code of its own":    {simpolice.Trouble{Code: 500}, result{Kind: police.Faulty}},
		"invalid operation":    {simpolice.Trouble{Code: 4}, result{Refused: "4"}},
		"XML format":           {simpolice.Trouble{Code: 5}, result{Refused: "5"}},
		"XML content":          {simpolice.Trouble{Code: 6}, result{Refused: "6"}},
		"JSON format":          {simpolice.Trouble{Code: 7}, result{Refused: "7"}},
		"JSON content":         {simpolice.Trouble{Code: 8}, result{Refused: "8"}},
		"200 and msg":          {simpolice.ParseError, result{Kind: police.Unclear}},
		"200 and nothing":      {simpolice.Trouble{HTTP: 200}, result{Kind: police.Unclear}},
		"200 and HTML":         {simpolice.Trouble{HTTP: 200, Body: "<html>川A12345</html>"}, result{Kind: police.Unclear}},
		"empty list":           {simpolice.Trouble{EmptyList: true}, result{Kind: police.Unclear}},
		"500":                  {simpolice.Trouble{HTTP: 500, Body: "oops"}, result{Kind: police.Unclear}},
		"500 with success":     {simpolice.Trouble{HTTP: 500, Body: `{"ResponseStatusObject":{"StatusCode":0}}`}, result{Kind: police.Unclear}},
		"400 with its reason":  {simpolice.Trouble{HTTP: 400, Body: `{"ResponseStatusObject":{"StatusCode":"8"}}`}, result{Refused: "8"}},
		"404":                  {simpolice.Trouble{HTTP: 404}, result{Kind: police.Unclear}},
		"too long":             {simpolice.Trouble{HTTP: 200, Body: strings.Repeat(" ", maxAnswer) + "{}"}, result{Kind: police.Unclear}},
		"connection cut":       {simpolice.Trouble{Lost: true}, result{Kind: police.Unreachable, Kept: 1}},
		"slower than we wait":  {simpolice.Trouble{Delay: time.Hour}, result{Kind: police.Unreachable}},
		"slow but not for us":  {simpolice.Trouble{Delay: 10 * time.Millisecond}, result{Kept: 1}},
		"401 once, then taken": {simpolice.Trouble{HTTP: 401}, result{Kept: 1}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			k, stored := kerbCase(t)
			p := newPlatform(t)
			p.Trouble(test.trouble)
			c := p.client(t, stored, func(c *Config) {
				if test.trouble.Delay > time.Minute {
					c.Timeout = time.Second
				}
			})
			receipt, err := c.Submit(t.Context(), k)
			got := result{Kept: len(p.Vehicles())}
			switch {
			case err != nil:
				got.Kind = police.KindOf(err)
			case !receipt.Accepted:
				got.Refused = receipt.Code
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s\nreceipt %+v, error %v", diff, receipt, err)
			}
			if err != nil && (strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "川A12345")) {
				t.Errorf("error tells a secret: %v", err)
			}
		})
	}
}

func TestPlateIsLeftOutOfErrors(t *testing.T) {
	k, stored := kerbCase(t)
	p := newPlatform(t)
	p.Trouble(simpolice.Trouble{HTTP: 200, Body: `{"ResponseStatusListObject":{"ResponseStatusObject":[
		{"Id":null,"StatusCode":1,"StatusString":"车辆 川A12345 入库失败"}]}}`})
	_, err := p.client(t, stored).Submit(t.Context(), k)
	if err == nil || !strings.Contains(err.Error(), "车辆 [plate] 入库失败") {
		t.Errorf("error %v", err)
	}
}

func TestRefusalSaysWhy(t *testing.T) {
	k, stored := kerbCase(t)
	k.Decision.Plate = "NOT A PLATE"
	p := newPlatform(t)
	receipt, err := p.client(t, stored).Submit(t.Context(), k)
	if err != nil || receipt.Accepted || receipt.Code != "8" || receipt.Message != "PlateNo: not the form of a plate" {
		t.Errorf("receipt %+v, error %v", receipt, err)
	}
}

func TestEvidenceIsCheckedBeforeItIsSent(t *testing.T) {
	tests := map[string]struct {
		spoil func(*enforce.Case, files)
		want  string
	}{
		"missing": {func(k *enforce.Case, f files) {
			delete(f, k.Violation.Evidence.Files[1].SHA256)
		}, "picture scene_middle"},
		"altered": {func(k *enforce.Case, f files) {
			f[k.Violation.Evidence.Files[2].SHA256][99]++
		}, "SHA-256 is not the one recorded"},
		"not a picture": {func(k *enforce.Case, f files) {
			const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
			k.Violation.Evidence.Files[0].SHA256, f[empty] = empty, nil
		}, "not a JPEG picture"},
		"no pictures": {func(k *enforce.Case, _ files) { k.Violation.Evidence.Files = nil }, "no pictures"},
		"no such zone": {func(k *enforce.Case, _ files) {
			k.Violation.Section.TimeZone = "Mars/Olympus"
		}, "section's time zone"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			k, stored := kerbCase(t)
			test.spoil(&k, stored)
			p := newPlatform(t)
			_, err := p.client(t, stored).Submit(t.Context(), k)
			if police.KindOf(err) != police.NoEvidence || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
			if n := p.Calls(vehiclesPath); n != 0 {
				t.Errorf("sent all the same, %d times", n)
			}
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	k, stored := kerbCase(t)
	p := newPlatform(t)
	elsewhere := 0
	other := serve(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere++ }))
	p.url = serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == vehiclesPath {
			http.Redirect(w, r, other+vehiclesPath, http.StatusTemporaryRedirect)
			return
		}
		p.ServeHTTP(w, r)
	}))
	_, err := p.client(t, stored).Submit(t.Context(), k)
	if police.KindOf(err) != police.Unclear || elsewhere != 0 {
		t.Errorf("error %v, evidence sent elsewhere %d times", err, elsewhere)
	}
}

func TestUnreachable(t *testing.T) {
	k, stored := kerbCase(t)
	p := newPlatform(t)
	p.url = "http://127.0.0.1:1" // nobody listens on port 1
	_, err := p.client(t, stored).Submit(t.Context(), k)
	if police.KindOf(err) != police.Unreachable {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.client(t, stored).Submit(ctx, k); police.KindOf(err) != police.Unreachable {
		t.Errorf("error %v under a context that has ended", err)
	}
}
