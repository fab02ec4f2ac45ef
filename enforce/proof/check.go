package proof

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"io"
	"sync"

	"tidewatch/enforce"
)

// Checker checks the evidence of cases and adds to its report what it finds.
type Checker struct {
	Keys Keys
	// Authorities are those whose timestamps are believed; with nil it is not
	// checked who the authority is, and the report says so.
	Authorities *x509.CertPool
	Report      *Report

	anyone sync.Once
}

// Roles of files that are not the evidence's own.
const (
	manifestRole  = "manifest"
	signatureRole = "signature"
	timestampRole = "timestamp"
	policyRole    = "policy"
)

// place is where the files of one case lie.
type place interface {
	// open opens a file by its role, or by its position in the manifest, and
	// says what people find it under.
	open(ctx context.Context, role, sum string) (name string, data io.ReadCloser, err error)
	// logged says what is wrong with a leaf's place in the log, if anything.
	logged(role string, leaf Leaf, at uint64) (name, what string)
	// deletion is the leaf by which a file was deleted.
	deletion(sum string) (leaf Leaf, at uint64, found bool)
	// known reports whether the log has a signed manifest of a case.
	known(violation string) bool
}

// subject is a case to check.
type subject struct {
	*Checker
	place
	ctx context.Context
	id  string
	// stored is what the case log says, nil where there is none.
	stored *enforce.Violation
	// found are the hashes of what was read, or those that the case log tells.
	found enforce.Evidence
}

func (s *subject) finds(name string, p Problem, what, means string) {
	s.Report.Add(s.id, name, p, what, means)
}

// read reads a small file and, where its hash is known, holds it against that.
func (s *subject) read(role, sum, means string) (text []byte, name string, ok bool) {
	name, data, err := s.open(s.ctx, role, sum)
	if err == nil {
		text, err = readText(data)
	}
	s.Report.count(0, 1)
	switch {
	case err != nil:
		s.finds(name, problemOf(err), said(err), means)
		return nil, name, false
	case sum != "" && sumOf(text) != sum:
		s.finds(name, Changed, "its SHA-256 is "+sumOf(text), means)
		return text, name, false
	}
	return text, name, true
}

// check checks all that belongs to a case. Whatever is wrong with one part, the
// others are checked too.
func (s *subject) check() {
	s.Report.count(1, 0)
	if s.stored != nil {
		s.found = s.stored.Evidence
	}
	text, name, ok := s.read(manifestRole, s.found.Manifest, "What the case rests on cannot be proven by this manifest")
	manifest, err := ParseManifest(text)
	if text != nil && err != nil {
		s.finds(name, Changed, err.Error(), "What the case rests on cannot be proven by this manifest")
	}
	if s.stored == nil {
		s.found.Manifest, s.id = sumOf(text), manifest.Violation.ID
	}
	readable := text != nil && err == nil
	if readable && ok && s.stored != nil {
		s.compare(name, manifest)
	}
	s.prove(name, manifest, readable)
	files, violation := manifest.Files, manifest.Violation
	if !readable && s.stored != nil {
		files, violation = s.stored.Evidence.Files, *s.stored
	}
	s.files(files)
	s.policy(violation)
}

// compare holds the manifest against the case log.
func (s *subject) compare(name string, m Manifest) {
	stored, files := *s.stored, s.stored.Evidence.Files
	stored.Evidence = enforce.Evidence{}
	const means = "The case log or the manifest was altered"
	if !same(stored, m.Violation) {
		s.finds(name, Contradiction, "says other things of the violation than the case log", means)
	}
	if !same(files, m.Files) {
		s.finds(name, Contradiction, "lists other files than the case log", means)
	}
}

// same compares by what would be written.
func same(a, b any) bool {
	one, err1 := canonical(a)
	other, err2 := canonical(b)
	return err1 == nil && err2 == nil && string(one) == string(other)
}

// prove checks signature, place in the log and timestamp.
func (s *subject) prove(name string, m Manifest, readable bool) {
	unsigned := readable && m.Format == UnsignedFormat
	if unsigned && s.found.Signature == "" && !s.expectsSignature() {
		s.unsigned(name)
		return
	}
	if unsigned {
		s.finds(name, Contradiction, "has a form that is not signed, and there is a signature", "The manifest was replaced by another")
	}
	signature, ok := s.signature(m, readable)
	s.inLog(manifestRole, manifestLeaf(s.id, s.found), s.found.Leaf)
	s.timestamp(signature, ok)
}

// unsigned says what an unsigned manifest is worth. Only the log of evidence
// shows that there was never a signature: a package without one looks the same
// whether it is old or its signature was taken away.
func (s *subject) unsigned(name string) {
	if s.stored == nil {
		s.finds(name, BadSignature, "is not signed", "Nothing shows that this system wrote it: it is of before evidence was signed, "+
			"or was altered and its signature taken away. Have the operator check the case with tidewatch verify --case")
		return
	}
	s.finds(name, Unsigned, "was written before evidence was signed",
		"Its hashes show what belongs together; nothing shows when, and by whom, it was written")
}

// expectsSignature reports whether a case has a signature, whatever its
// manifest says: a package that holds one, a system whose log of evidence knows
// the case.
func (s *subject) expectsSignature() bool {
	return s.known(s.id) || s.stored == nil && (s.has(signatureRole) || s.has(manifestRole+proofSuffix))
}

// has reports whether a package has a file.
func (s *subject) has(role string) bool {
	_, data, err := s.open(s.ctx, role, "")
	if err == nil {
		data.Close()
	}
	return err == nil
}

const unproven = "Nothing shows that the manifest is what this system wrote"

func (s *subject) signature(m Manifest, readable bool) (signed []byte, ok bool) {
	if s.stored != nil && s.found.Signature == "" {
		s.finds("case log", Contradiction, "names no signature of a manifest that must have one", unproven)
		return nil, false
	}
	signed, name, ok := s.read(signatureRole, s.found.Signature, unproven)
	if signed == nil {
		return nil, false
	}
	if s.stored == nil {
		s.found.Signature = sumOf(signed)
	}
	text, by, err := s.Keys.open(signed)
	switch {
	case err != nil:
		s.finds(name, BadSignature, err.Error(), unproven)
	case text != statement(s.found.Manifest, s.id):
		s.finds(name, BadSignature, "signs another manifest", unproven)
	case readable && !s.Keys.good(by, m.RecordedAt):
		s.finds(name, BadSignature, fmt.Sprintf("key %s was not in use on %s", by.Name(), m.RecordedAt), unproven)
	default:
		return signed, ok
	}
	return signed, false
}

// inLog checks a leaf's place.
func (s *subject) inLog(role string, leaf Leaf, at uint64) {
	if name, what := s.logged(role, leaf, at); what != "" {
		s.finds(name, NotLogged, what, "Nothing shows that this is what was recorded then, or that nothing was taken away since")
	}
}

func (s *subject) timestamp(signature []byte, signed bool) {
	const means = "Nobody else confirms when the evidence was signed"
	if s.stored != nil && s.found.Timestamp == "" {
		return // none was asked for, or the authority has not answered yet
	}
	if s.stored == nil && !s.has(timestampRole) && !s.has(timestampRole+proofSuffix) {
		return
	}
	answer, name, ok := s.read(timestampRole, s.found.Timestamp, means)
	if answer == nil {
		return
	}
	if s.stored == nil {
		s.found.Timestamp = sumOf(answer)
	}
	if s.Authorities == nil {
		s.anyone.Do(func() {
			s.Report.find("timestamps", NotChecked, "no authority is trusted", "Who confirmed them is not checked; give the authority's certificate")
		})
	}
	if _, _, err := CheckTimestamp(answer, signature, s.Authorities); ok && signed && err != nil {
		s.finds(name, BadTimestamp, err.Error(), means)
	}
	s.inLog(timestampRole, timestampLeaf(s.id, s.found), anywhere)
}

// anywhere stands for a place in the log that nobody has noted.
const anywhere = ^uint64(0)

// files checks the pictures and the clip.
func (s *subject) files(files []enforce.File) {
	named := map[string]bool{}
	for _, f := range files {
		named[f.SHA256] = true
	}
	for i, role := range fileNames(files) {
		f := files[i]
		s.copied(f, named)
		name, data, err := s.open(s.ctx, role, f.SHA256)
		if err == nil {
			err = s.hash(name, f, data)
		}
		s.Report.count(0, 1)
		if err == nil {
			continue
		}
		if leaf, at, found := s.deletion(f.SHA256); found && problemOf(err) == Missing {
			s.finds(name, Gone, fmt.Sprintf("the %s was deleted on %s (%s), as leaf %d of the log records", f.Kind, leaf.At.Format("2006-01-02"), leaf.Rule, at),
				"It cannot be shown any more; what else there is of the case still holds")
			continue
		}
		s.finds(name, problemOf(err), fmt.Sprintf("the %s %s", f.Kind, said(err)), "It cannot be shown what the manifest says it shows")
	}
}

// copied holds a copy's code against what it was made of.
func (s *subject) copied(f enforce.File, named map[string]bool) {
	if err := antiForgery(s.id, f, named); err != nil {
		s.finds("manifest", Contradiction, fmt.Sprintf("the %s %s", f.Kind, err), "The copy may show something else than the originals; go by those")
	}
}

// hash holds a file against its hash and size.
func (s *subject) hash(name string, f enforce.File, data io.ReadCloser) error {
	defer data.Close()
	sum := sha256.New()
	size, err := io.Copy(sum, data)
	if err != nil {
		return err
	}
	const means = "It is not what was recorded; it proves nothing"
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.SHA256 {
		s.finds(name, Changed, fmt.Sprintf("the %s has SHA-256 %s instead of %s", f.Kind, got, f.SHA256), means)
	} else if size != f.Size {
		s.finds(name, Changed, fmt.Sprintf("the %s has %d bytes instead of %d", f.Kind, size, f.Size), means)
	}
	return nil
}

// policy checks that the policy is the one that was judged under, and that the
// verdict follows from it. The ID of older policies is no hash of a document.
func (s *subject) policy(v enforce.Violation) {
	if !isSum(v.Policy) {
		return
	}
	text, name, ok := s.read(policyRole, v.Policy, "It cannot be shown which rule the vehicle was held against")
	if !ok {
		return
	}
	if err := follows(v, text); err != nil {
		s.finds(name, Contradiction, "the verdict does not follow from the policy: "+err.Error(), "The vehicle was judged under another rule, or the record was altered")
	}
}
