// Command accuracybench measures how often Tidewatch is right: about vehicles
// that stand, and about plates. It looks at pictures of which people have
// written down what they show.
//
// Pictures that come with a package are always there; those of other folders
// are measured where the folder exists, and their absence is said on stderr.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// options is the command line.
type options struct {
	Footage string    `default:"../shared/footage" placeholder:"DIR" help:"Folder with street clips (${default})."`
	Plates  string    `default:"../shared/plates" placeholder:"DIR" help:"Folder with pictures of plates and their text (${default})."`
	Only    string    `default:"all" enum:"all,stops,plates,plates-real,plates-drawn,plates-covered,nonmotor" help:"What to measure: ${enum} (${default})."`
	Rate    []float64 `default:"1" placeholder:"N" help:"Looks at each second of a clip (${default}): how often a camera sends key pictures. With several, parted by commas, stops are measured at each, and the figures without a rate in their name are those of the first."`
	Assets  string    `placeholder:"DIR" help:"Folder with the libraries and models that set-up brought; without it TIDEWATCH_ASSETS or the user's cache."`
}

// part measures one thing: it prints a table for people to out, and adds its
// figures to the answer.
type part func(ctx context.Context, opts options, out io.Writer, answer map[string]float64) error

// parts are measured in this order.
var parts = []part{measureStops, measureReal, measureDrawn, measureCovered, measureNonMotor}

// named are the parts that can be measured alone.
var named = map[string][]part{
	"stops":          {measureStops},
	"plates":         {measureReal, measureDrawn, measureCovered},
	"plates-real":    {measureReal},
	"plates-drawn":   {measureDrawn},
	"plates-covered": {measureCovered},
	"nonmotor":       {measureNonMotor},
}

// Validate is called by the command line's parser.
func (o options) Validate() error {
	for _, rate := range o.Rate {
		if !(rate > 0 && rate <= 1000) {
			return fmt.Errorf("--rate is %v; it must be more than 0 and at most 1000", rate)
		}
	}
	return nil
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var opts options
	kong.Parse(&opts, kong.Name("accuracybench"),
		kong.Description("Measures how often Tidewatch is right; prints tables, and one JSON object as the last line."))
	if alone := named[opts.Only]; alone != nil {
		parts = alone
	}
	err := measure(ctx, opts, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "accuracybench:", err)
		os.Exit(1)
	}
}

// measure runs all parts, and then prints the answer as one line of JSON. A
// part that fails does not keep the others from being measured.
func measure(ctx context.Context, opts options, out io.Writer) error {
	answer := map[string]float64{}
	var failed []error
	for _, p := range parts {
		failed = append(failed, p(ctx, opts, out, answer))
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return errors.Join(append(failed, json.NewEncoder(out).Encode(answer))...)
}
