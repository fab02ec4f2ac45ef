package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// nobody is the user that a stranger is.
const nobody = 65534

// order is what the intruder is asked to try.
type order struct {
	Name  string
	World *world
}

// intruderCmd is the stranger's process.
type intruderCmd struct{}

// Run tries what it reads, one after the other.
func (intruderCmd) Run(ctx context.Context) error {
	if os.Geteuid() != nobody {
		return errors.New("the intruder must be nobody")
	}
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var o order
		if err := in.Decode(&o); err != nil {
			return nil //nolint:nilerr // the other side has gone, which is how this ends
		}
		all := attempts(o.World)
		i := slices.IndexFunc(all, func(a attempt) bool { return a.name == o.Name })
		if i < 0 {
			return fmt.Errorf("no attempt is called %q", o.Name)
		}
		if err := out.Encode(bounded(ctx, all[i], o.World)); err != nil {
			return err
		}
	}
}

// bounded tries something for two minutes at most.
func bounded(ctx context.Context, a attempt, w *world) result {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return a.try(ctx, w)
}

// intruder is the stranger's process, as the other side sees it.
type intruder struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

func startIntruder(dir string) (*intruder, error) {
	i := &intruder{cmd: exec.CommandContext(context.Background(), "/proc/self/exe", "intruder")}
	i.cmd.Dir, i.cmd.Env, i.cmd.Stderr = dir, []string{"PATH=/usr/bin:/bin", "HOME=" + dir}, os.Stderr
	i.cmd.SysProcAttr = &syscall.SysProcAttr{
		Pdeathsig: syscall.SIGKILL, Credential: &syscall.Credential{Uid: nobody, Gid: nobody},
	}
	out, err := i.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	i.out = json.NewDecoder(out)
	if i.in, err = i.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return i, i.cmd.Start()
}

// try has the stranger try something.
func (i *intruder) try(name string, w *world) (r result, err error) {
	if err := json.NewEncoder(i.in).Encode(order{name, w}); err != nil {
		return r, fmt.Errorf("ask the intruder: %w", err)
	}
	if err := i.out.Decode(&r); err != nil {
		return r, fmt.Errorf("hear from the intruder: %w", err)
	}
	return r, nil
}

func (i *intruder) close() {
	_ = i.in.Close() // it ends by that
	_ = i.cmd.Wait()
}
