package clickhouse

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/ebitengine/purego"
)

// EngineCommand is the hidden first argument with which a program starts
// itself again to be the embedded engine.
const EngineCommand = "clickhouse-engine"

// hold starts the listener and keeps it open for as long as standard input
// is: reading the file is the client's part, which needs no right to files.
const hold = "SYSTEM START LISTEN TCP; INSERT INTO FUNCTION null('line String') FROM INFILE '/dev/stdin' FORMAT LineAsString"

// EngineMain is the whole life of the engine's process. A program calls it
// where its first argument is EngineCommand, with the arguments after it: the
// library's path, the configuration's path and the data directory. It returns
// the exit status, once standard input is closed.
func EngineMain(args []string) int {
	if len(args) != 3 {
		fmt.Fprintln(os.Stderr, "usage:", EngineCommand, "LIBRARY CONFIG DATA")
		return 2
	}
	// Whoever stops the whole group means the program; it ends the engine last.
	signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := runLocal(args[0], "clickhouse", "--config-file="+args[1], "--path="+args[2], "--query="+hold)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
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
	result := query(int32(len(args)), &argv[0])
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
