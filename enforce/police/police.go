// Package police takes confirmed cases to the police platform until a receipt
// says that they have arrived or will not be had.
//
// What holds:
//   - Only a case that an officer's valid decision confirmed is submitted, whose
//     signature is checked before each submission, and none before the case log has been read to its end as of the start.
//   - Once the platform has answered for good, the case is not submitted again
//     under that decision, however often appending the receipt fails: the
//     answer is kept and only the append is repeated.
//   - Every submission of a case carries the same IDs, derived from the case,
//     after a restart and after a revised decision too.
//
// What does not hold: exactly once. Where the answer is lost, or the process
// dies between the platform's answer and the receipt's append, the case is
// submitted again with the same IDs, and it is for the platform to see that it
// has them already. Two uploaders on one log submit everything twice in the
// same way, so run one.
package police

import (
	"context"
	"errors"
	"fmt"

	"tidewatch/enforce"
)

// Platform is a police platform that takes cases.
type Platform interface {
	// Submit sends one case. A receipt is an answer for good, accepted or not
	// (the uploader sets its time); an error, best a *Problem, means that it is
	// worth trying again.
	Submit(ctx context.Context, c enforce.Case) (enforce.Receipt, error)
}

// Appender writes to the case log.
type Appender interface {
	Append(ctx context.Context, events ...enforce.Event) error
}

// Kind says what kept a case from being uploaded.
type Kind string

// The kinds of problems; all of them may pass.
const (
	Unreachable Kind = "unreachable" // no answer
	Busy        Kind = "busy"        // the platform says that it is busy or restarting
	Unwelcome   Kind = "unwelcome"   // the platform does not let us in
	Unclear     Kind = "unclear"     // an answer that does not speak of what was sent
	Faulty      Kind = "faulty"      // the platform says that it has an error
	NoEvidence  Kind = "no_evidence" // a picture cannot be read or is not the one recorded
	Other       Kind = "other"
)

// Problem is an error that names its kind, which is the first word of its text.
type Problem struct {
	Kind Kind
	Err  error
}

func (p *Problem) Error() string { return fmt.Sprintf("%s: %v", p.Kind, p.Err) }
func (p *Problem) Unwrap() error { return p.Err }

// KindOf tells the kind of an error, Other if it does not name one.
func KindOf(err error) Kind {
	if problem, ok := errors.AsType[*Problem](err); ok {
		return problem.Kind
	}
	return Other
}
