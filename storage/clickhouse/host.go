package clickhouse

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"

	"github.com/ebitengine/purego"
)

// EngineCommand is the hidden first argument with which a program starts
// itself again to be the embedded engine.
const EngineCommand = "clickhouse-engine"

// hold starts the listener and keeps it open for as long as standard input
// is: reading the file is the client's part, which needs no right to files.
const hold = "SYSTEM START LISTEN TCP; INSERT INTO FUNCTION null('line String') FROM INFILE '/dev/stdin' FORMAT LineAsString"

// process is the engine's process, as its command line describes it.
type process struct {
	library, etc, data string // the library's file, two folders

	port       int
	ownNetwork bool // it is in a network namespace of its own
	jailed     bool // it is to lock itself in
}

// EngineMain is the whole life of the engine's process. A program calls it
// where its first argument is EngineCommand, with the arguments after it. It
// returns the exit status, once standard input is closed.
func EngineMain(args []string) int {
	// Whoever stops the whole group means the program; it ends the engine last.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	p, err := parseProcess(args)
	if err == nil {
		err = p.run()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return exitStatus(err)
}

func parseProcess(args []string) (process, error) {
	var p process
	flags := flag.NewFlagSet(EngineCommand, flag.ContinueOnError)
	flags.StringVar(&p.library, "library", "", "libchdb.so")
	flags.StringVar(&p.etc, "etc", "", "folder with config.xml")
	flags.StringVar(&p.data, "data", "", "folder of the tables")
	flags.IntVar(&p.port, "port", 0, "port on loopback")
	flags.BoolVar(&p.ownNetwork, "own-network", false, "bring up the loopback interface of its own network")
	flags.BoolVar(&p.jailed, "jailed", false, "give up all files but these")
	return p, flags.Parse(args)
}

// args is what parseProcess reads.
func (p process) args() []string {
	return []string{
		"--library=" + p.library, "--etc=" + p.etc, "--data=" + p.data, "--port=" + strconv.Itoa(p.port),
		"--own-network=" + strconv.FormatBool(p.ownNetwork), "--jailed=" + strconv.FormatBool(p.jailed),
	}
}

// run confines the process, for good and before any of the library's code
// runs, and is the engine until standard input is closed.
func (p process) run() error {
	if err := p.confine(); err != nil {
		return err
	}
	if err := serveDials(p.port); err != nil {
		return err
	}
	return runLocal(p.library, "clickhouse",
		"--config-file="+filepath.Join(p.etc, "config.xml"), "--path="+p.data, "--query="+hold)
}

// runLocal calls the library as if it were the program clickhouse-local:
//
//	chdb_result *chdb_query_cmdline(int argc, char **argv);
//	const char *chdb_result_error(chdb_result *);
func runLocal(library string, args ...string) error {
	lib, err := purego.Dlopen(library, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return fmt.Errorf("load %s: %w", library, err)
	}
	var query func(argc int32, argv **byte) uintptr
	var resultError func(result uintptr) string
	if err := errors.Join(
		register(&query, lib, "chdb_query_cmdline"),
		register(&resultError, lib, "chdb_result_error"),
	); err != nil {
		return fmt.Errorf("load %s: %w", library, err)
	}
	argv := make([]*byte, len(args)+1) // ends in a null pointer, as in C
	for i, arg := range args {
		argv[i] = &append([]byte(arg), 0)[0]
	}
	var result uintptr
	offMainThread(func() { result = query(int32(len(args)), &argv[0]) })
	runtime.KeepAlive(argv)
	if message := resultError(result); message != "" {
		return errors.New(message)
	}
	return nil
}

func register(function any, lib uintptr, name string) error {
	symbol, err := purego.Dlsym(lib, name)
	if err != nil {
		return err
	}
	purego.RegisterFunc(function, symbol)
	return nil
}

// offMainThread runs f on another thread than the process' first. Only for
// that one does the C library read a file to learn the bounds of its stack,
// and the jail has no such file.
func offMainThread(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		if syscall.Gettid() == os.Getpid() {
			offMainThread(f) // on another, for this one is taken
			return
		}
		f()
	}()
	<-done
}
