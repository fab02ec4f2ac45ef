// Package verify tells people and programs what a check of evidence found. It
// needs nothing native, so that a small program can check packages elsewhere.
package verify

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	_ "time/tzdata" // policies are told in their time zone, which a machine elsewhere may not know

	"tidewatch/enforce/proof"
)

// Flags are common to all checks.
type Flags struct {
	Keys      string `placeholder:"FILE" help:"Public keys to trust: the public.keys of the system, got from its operator by a way that you trust."`
	Authority string `placeholder:"FILE" help:"Certificates, in PEM, of the timestamp authorities to trust."`
	JSON      bool   `name:"json" help:"Print one JSON object a line for each finding, and one for the summary."`
}

// Checker makes a checker that trusts what the flags say; without a file of keys
// those that are given.
func (f Flags) Checker(keys proof.Keys) (*proof.Checker, error) {
	if f.Keys != "" {
		text, err := os.ReadFile(f.Keys)
		if err == nil {
			keys, err = proof.ParseKeys(string(text))
		}
		if err == nil && len(keys) == 0 {
			err = errors.New("holds no key")
		}
		if err != nil {
			return nil, fmt.Errorf("read trusted keys %s: %w", f.Keys, err)
		}
	}
	checker := &proof.Checker{Keys: keys, Report: proof.NewReport(keys)}
	if f.Authority == "" {
		return checker, nil
	}
	text, err := os.ReadFile(f.Authority)
	if err != nil {
		return nil, fmt.Errorf("read trusted authorities: %w", err)
	}
	checker.Authorities = x509.NewCertPool()
	if !checker.Authorities.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("read trusted authorities: %s holds no certificate in PEM", f.Authority)
	}
	return checker, nil
}

// Packages checks exported packages and prints what was found.
func (f Flags) Packages(ctx context.Context, out io.Writer, dirs ...string) error {
	var failed error
	for _, dir := range dirs {
		checker, err := f.Checker(nil)
		if err != nil {
			return err
		}
		if err := checker.Package(ctx, dir); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if len(dirs) > 1 && !f.JSON {
			fmt.Fprintln(out, dir)
		}
		failed = errors.Join(failed, f.Print(out, checker.Report))
	}
	return failed
}

// ErrWrong says that a check found something wrong.
var ErrWrong = errors.New("something is wrong with the evidence")

// summary is the last line of JSON.
type summary struct {
	Type    string   `json:"type"`
	Trusted []string `json:"trusted_keys"`
	Of      string   `json:"of,omitempty"` // case that a package is of
	Cases   int      `json:"cases"`
	Files   int      `json:"files"`
	Leaves  uint64   `json:"leaves"`
	Wrong   int      `json:"wrong"`
	Notes   int      `json:"notes"`
}

// Print prints a report; the error is ErrWrong where something is wrong.
func (f Flags) Print(out io.Writer, r *proof.Report) error {
	r.Sort()
	print := printText
	if f.JSON {
		print = printJSON
	}
	if err := print(out, r); err != nil {
		return fmt.Errorf("print report: %w", err)
	}
	if n := r.Wrong(); n > 0 {
		return fmt.Errorf("%w: %d findings", ErrWrong, n)
	}
	return nil
}

func printText(out io.Writer, r *proof.Report) error {
	for _, finding := range r.Findings {
		if _, err := fmt.Fprintln(out, finding); err != nil {
			return err
		}
	}
	if r.Of != "" {
		// A whole package may have been put in the place of another.
		if _, err := fmt.Fprintf(out, "package of case %s; is it the one that was asked for?\n", r.Of); err != nil {
			return err
		}
	}
	trusted := "none"
	if len(r.Trusted) > 0 {
		trusted = strings.Join(r.Trusted, ", ")
	}
	_, err := fmt.Fprintf(out, "cases: %d, files: %d, leaves of the log: %d, wrong: %d, notes: %d; trusted keys: %s\n",
		r.Cases, r.Files, r.Leaves, r.Wrong(), len(r.Findings)-r.Wrong(), trusted)
	return err
}

func printJSON(out io.Writer, r *proof.Report) error {
	lines := json.NewEncoder(out)
	for _, finding := range r.Findings {
		if err := lines.Encode(struct {
			Type string `json:"type"`
			proof.Finding
		}{"finding", finding}); err != nil {
			return err
		}
	}
	return lines.Encode(summary{"summary", r.Trusted, r.Of, r.Cases, r.Files, r.Leaves, r.Wrong(), len(r.Findings) - r.Wrong()})
}
