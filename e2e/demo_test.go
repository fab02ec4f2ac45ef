package e2e

import (
	"net/http"
	"syscall"
	"testing"
)

// TestDemo follows what the demo prints, as a newcomer would, and interrupts
// it.
func TestDemo(t *testing.T) {
	data := t.TempDir()
	p := start(t, nil, "tidewatch", "demo", "--listen=127.0.0.1:0", "--police=127.0.0.1:0", "--observation=5s", "--data="+data)
	password := p.says(`password:\s+(\S+)`)
	police := p.says(`police page: (http://\S+)`)
	page := p.says(`review page: (http://[^/\s]+)`)
	id := p.says(`first case:  http://\S+/cases/(\S+)`)

	o := signIn(t, page, password)
	if *screenshots != "" {
		o.photograph(t, id, *screenshots)
	}
	o.confirm(id, "川A12345")
	o.seesUpload(id)
	response, err := http.Get(police)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("the police page answers %s", response.Status)
	}
	p.stop(syscall.SIGINT)
	if p.err != nil {
		t.Errorf("after the interrupt: %v", p.err)
	}
	nothingLeft(t, data)
}
