package rtsp

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"strings"
)

// offer is what a camera says of its stream (SDP, RFC 8866), as far as it is
// about video that we can use.
type offer struct {
	text []byte   // for the library: our own head, and that video alone
	sets [][]byte // parameter sets, all that are announced
}

var (
	// videoForm finds the codings that we can use (RFC 6184, RFC 7798).
	videoForm = regexp.MustCompile(`(?i)^a=rtpmap:\d+ *(H264|H265|HEVC)/`)
	// setsForm finds announced parameter sets.
	setsForm    = regexp.MustCompile(`(?i)\bsprop-(?:parameter-sets|vps|sps|pps)\s*=\s*([A-Za-z0-9+/=,]+)`)
	modeForm    = regexp.MustCompile(`(?i)\bpacketization-mode\s*=\s*(\d)`)
	payloadForm = regexp.MustCompile(`^a=fmtp:(\d+)`)
)

// ownHead replaces a description's head, of which only addresses matter.
const ownHead = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"

// describe keeps of a description what is needed to play its video. Cameras
// list sound, talk-back and metadata beside it, in words that a library may not
// know, and a stream must not be lost for what nobody uses. It is false where
// there is no video that can be used: then the library says what is there.
func describe(body []byte) (offer, bool) {
	head, media := sections(string(body))
	for _, section := range media {
		if !strings.HasPrefix(strings.ToLower(section[0]), "m=video ") || !has(section, videoForm) {
			continue
		}
		d := offer{}
		lines := append(keep(head, "c=", "a=control:", "a=key-mgmt:"), section[0])
		for _, line := range keep(section[1:], "c=", "a=control:", "a=rtpmap:", "a=fmtp:", "a=key-mgmt:", "a=crypto:") {
			if strings.HasPrefix(line, "a=fmtp:") {
				d.sets = append(d.sets, announced(line)...)
				line = modeOnly(line)
			}
			if line != "" {
				lines = append(lines, line)
			}
		}
		d.text = []byte(ownHead + strings.Join(lines, "\r\n") + "\r\n")
		return d, true
	}
	return offer{}, false
}

// sections splits a description into the lines of its head and of each medium.
func sections(text string) (head []string, media [][]string) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
		case strings.HasPrefix(strings.ToLower(line), "m="):
			media = append(media, []string{line})
		case len(media) == 0:
			head = append(head, line)
		default:
			media[len(media)-1] = append(media[len(media)-1], line)
		}
	}
	return head, media
}

func has(lines []string, form *regexp.Regexp) bool {
	for _, line := range lines {
		if form.MatchString(line) {
			return true
		}
	}
	return false
}

// keep are the lines that begin with one of some words.
func keep(lines []string, words ...string) []string {
	var kept []string
	for _, line := range lines {
		for _, word := range words {
			if strings.HasPrefix(strings.ToLower(line), word) {
				kept = append(kept, line)
			}
		}
	}
	return kept
}

// announced are the parameter sets of a format line. One that is no base64 comes
// in band, or not at all; then that is what is said.
func announced(line string) [][]byte {
	var sets [][]byte
	for _, found := range setsForm.FindAllStringSubmatch(line, -1) {
		for text := range strings.SplitSeq(found[1], ",") {
			set, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
			set = bytes.TrimPrefix(set, []byte{0, 0, 0, 1}) // which some cameras write
			if err == nil && len(set) > 0 {
				sets = append(sets, set)
			}
		}
	}
	return sets
}

// modeOnly is a format line with nothing but how NALUs are packed.
func modeOnly(line string) string {
	of, mode := payloadForm.FindStringSubmatch(line), modeForm.FindStringSubmatch(line)
	if of == nil || mode == nil {
		return ""
	}
	return "a=fmtp:" + of[1] + " packetization-mode=" + mode[1]
}
