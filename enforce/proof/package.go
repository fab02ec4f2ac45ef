package proof

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"tidewatch/enforce"
)

// The files of an exported package, beside those of the evidence, which are
// named by what they show.
const (
	manifestFile   = "manifest.json"
	signatureFile  = "signature.note"
	timestampFile  = "timestamp.tsr"
	policyFile     = "policy.json"
	keysFile       = "keys.txt"
	checkpointFile = "checkpoint"
	proofSuffix    = ".proof"
	leafSuffix     = ".leaf"
)

var roleFiles = map[string]string{
	manifestRole: manifestFile, signatureRole: signatureFile, timestampRole: timestampFile, policyRole: policyFile,
}

// kindForm is how kinds of files are spelled; a package names files by them.
var kindForm = regexp.MustCompile(`^[a-z0-9_-]{1,63}$`)

var suffixes = map[string]string{
	"image/jpeg": ".jpg", "image/png": ".png", "video/mp4": ".mp4", "video/H264": ".h264", "video/H265": ".h265",
}

// fileNames are the names in a package of the files of a manifest.
func fileNames(files []enforce.File) []string {
	var names []string
	next := map[string]int{} // number by names taken; a manifest of outside may list very many
	for _, f := range files {
		kind, suffix := string(f.Kind), suffixes[f.MediaType]
		if !kindForm.MatchString(kind) {
			kind = "file"
		}
		if suffix == "" {
			suffix = ".bin"
		}
		plain := kind + suffix
		name := plain
		for n := max(next[plain], 2); next[name] > 0; n++ {
			name, next[plain] = fmt.Sprintf("%s-%d%s", kind, n, suffix), n+1
		}
		next[name] = max(next[name], 2)
		names = append(names, name)
	}
	return names
}

// packed is the place of a case in an exported package.
type packed struct {
	root      fs.FS
	keys      Keys
	deletions map[string]Leaf
	places    map[string]uint64
}

func (p packed) open(_ context.Context, role, _ string) (string, io.ReadCloser, error) {
	name, known := roleFiles[role]
	if !known {
		name = role
	}
	data, err := p.file(name)
	return name, data, err
}

var errNoFile = errors.New("is not a regular file")

// file opens a file. Whoever packed a pipe must not make a check wait for good.
func (p packed) file(name string) (fs.File, error) {
	info, err := fs.Stat(p.root, name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNoFile
	}
	return p.root.Open(name)
}

// text reads a small file of the package.
func (p packed) text(name string) ([]byte, error) {
	data, err := p.file(name)
	if err != nil {
		return nil, err
	}
	return readText(data)
}

func (p packed) logged(role string, leaf Leaf, _ uint64) (name, what string) {
	text, err := leaf.Encode()
	if err != nil {
		return role + proofSuffix, err.Error()
	}
	_, what = p.included(role+proofSuffix, text)
	return role + proofSuffix, what
}

// included says what is wrong with the proof that a leaf is in the log.
func (p packed) included(name string, leaf []byte) (at uint64, what string) {
	text, err := p.text(name)
	if err != nil {
		return 0, said(err)
	}
	i, err := parseInclusion(string(text))
	if err == nil {
		err = i.check(leaf, p.keys)
	}
	if err != nil {
		return 0, err.Error()
	}
	return i.index, ""
}

// known cannot be told from a package: it holds only the places that it names.
func (packed) known(string) bool { return false }

func (p packed) deletion(sum string) (leaf Leaf, at uint64, found bool) {
	leaf, found = p.deletions[sum]
	return leaf, p.places[sum], found
}

// Package checks an exported package: a folder that Export has written.
func (c *Checker) Package(ctx context.Context, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("open package: %w", err)
	}
	defer root.Close()
	p := packed{root.FS(), c.Keys, map[string]Leaf{}, map[string]uint64{}}
	c.packageKeys(&p)
	c.packageCheckpoint(p)
	c.packageDeletions(p)
	s := subject{Checker: c, place: p, ctx: ctx}
	s.check()
	m, _ := p.manifest() // what is wrong with it has been found
	c.packageRecord(p, &s, m)
	c.Report.Of = strings.Map(shown, s.id)
	c.packageRest(p)
	return ctx.Err()
}

// packageKeys compares the key in the package with the trusted ones. It is
// there for people to see, and never trusted for being there; where none is
// trusted all is checked by it, so that at least damage is found.
func (c *Checker) packageKeys(p *packed) {
	const means = "It is not known whether this system wrote the package; get its public key from its operator"
	text, err := p.text(keysFile)
	if err != nil {
		c.Report.find(keysFile, problemOf(err), said(err), "Which key it was signed with must be known from elsewhere")
		return
	}
	keys, err := ParseKeys(string(text))
	if err != nil {
		c.Report.find(keysFile, Changed, err.Error(), means)
		return
	}
	if len(c.Keys) == 0 {
		c.Report.find(keysFile, Untrusted, "no trusted key was given", "All was checked against the key in the package, which whoever altered it may have put there. Get the system's public key from its operator")
		c.Keys, p.keys = keys, keys
		return
	}
	if string(text) != keysText(keys) || len(keys) == 0 {
		c.Report.find(keysFile, Changed, "is not as it was exported", means)
	}
	for _, k := range keys {
		if !slices.ContainsFunc(c.Keys, func(trusted Key) bool { return trusted.Text == k.Text }) {
			c.Report.find(keysFile, BadSignature, fmt.Sprintf("key %s is not trusted", k.Name()), means)
		}
	}
}

// keysText is how keys are exported.
func keysText(keys Keys) string {
	var b strings.Builder
	for _, k := range keys {
		b.WriteString(k.Text + "\n")
	}
	return b.String()
}

func (c *Checker) packageCheckpoint(p packed) {
	signed, err := p.text(checkpointFile)
	if errors.Is(err, fs.ErrNotExist) && c.unsignedPackage(p) {
		return
	}
	const means = "This state of the log cannot be compared with others"
	if err != nil {
		c.Report.find(checkpointFile, problemOf(err), said(err), means)
		return
	}
	if _, _, err := p.keys.openCheckpoint(signed); err != nil {
		c.Report.find(checkpointFile, BadSignature, err.Error(), means)
	}
}

// unsignedPackage reports whether a package is of before there were signatures.
func (c *Checker) unsignedPackage(p packed) bool {
	m, err := p.manifest()
	return err == nil && m.Format == UnsignedFormat
}

func (p packed) manifest() (Manifest, error) {
	text, err := p.text(manifestFile)
	if err != nil {
		return Manifest{}, err
	}
	return ParseManifest(text)
}

// packageDeletions reads which files were deleted before the export.
func (c *Checker) packageDeletions(p packed) {
	names, _ := fs.Glob(p.root, "*"+leafSuffix)
	for _, name := range names {
		text, err := p.text(name)
		if err != nil {
			c.Report.find(name, problemOf(err), said(err), "Deletions that it records cannot be told")
			continue
		}
		leaf, err := ParseLeaf(text)
		proofName := strings.TrimSuffix(name, leafSuffix) + proofSuffix
		at, what := p.included(proofName, text)
		if err != nil || what != "" {
			c.Report.find(proofName, NotLogged, what, "The log does not show that the files were deleted by a rule")
			continue
		}
		for _, f := range leaf.Files {
			p.deletions[f.SHA256], p.places[f.SHA256] = leaf, at
		}
	}
}

// packageRest names what else is in the folder, for nothing proves it.
func (c *Checker) packageRest(p packed) {
	known := []string{manifestFile, signatureFile, timestampFile, policyFile, keysFile, checkpointFile, RecordFile, recordSealFile, rosterFile}
	m, _ := p.manifest()
	known = append(known, fileNames(m.Files)...)
	var others []string
	entries, _ := fs.ReadDir(p.root, ".")
	for _, e := range entries {
		if suffix := filepath.Ext(e.Name()); suffix != proofSuffix && suffix != leafSuffix && !slices.Contains(known, e.Name()) {
			others = append(others, e.Name())
		}
	}
	if len(others) > 0 {
		c.Report.find(strings.Join(others, ", "), NotChecked, "not named by the manifest", "It was made for reading; what it shows must be seen in the files that the manifest names")
	}
}
