package clickhouse

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
	"github.com/landlock-lsm/go-landlock/landlock"
	kernel "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
	"kernel.org/pub/linux/libs/security/libcap/psx"
)

// Why the engine's process could not be confined.
var (
	// ErrNoNetwork: whoever is on this machine reaches the engine, as a user
	// who needs no password.
	ErrNoNetwork = errors.New("the embedded database gets no network namespace that keeps other users of this machine out")
	// ErrNoJail: whoever may ask the engine can read this machine's files.
	ErrNoJail = errors.New("the embedded database gets no Landlock jail that keeps this machine's files from its queries")
)

// Exit statuses tell the starting process which of the two it was.
const (
	statusFailed = iota + 1
	_            // the Go runtime's own
	statusNoNetwork
	statusNoJail
)

func exitStatus(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrNoNetwork):
		return statusNoNetwork
	case errors.Is(err, ErrNoJail):
		return statusNoJail
	}
	return statusFailed
}

// confine takes from the process what the engine does not need.
func (p process) confine() error {
	if p.ownNetwork {
		if err := raiseLoopback(); err != nil {
			return fmt.Errorf("%w: %w", ErrNoNetwork, err)
		}
	}
	if err := os.MkdirAll(p.data, 0o700); err != nil {
		return err
	}
	if err := preload(p.library); err != nil {
		return fmt.Errorf("load %s: %w", p.library, err)
	}
	if err := dropPowers(); err != nil {
		return err
	}
	if p.jailed {
		if err := p.jail(); err != nil {
			return fmt.Errorf("%w: %w", ErrNoJail, err)
		}
	}
	return nil
}

// raiseLoopback brings up the one interface of a new network namespace.
func raiseLoopback() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a socket: %w", err)
	}
	defer unix.Close(socket)
	loopback, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	loopback.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, loopback); err != nil {
		return fmt.Errorf("bring the loopback interface up: %w", err)
	}
	return nil
}

// preload loads what the library needs of the system, so that the jail needs
// no door to the system's folders.
func preload(library string) error {
	file, err := elf.Open(library)
	if err != nil {
		return err
	}
	defer file.Close()
	needed, err := file.ImportedLibraries()
	if err != nil {
		return err
	}
	for _, name := range needed {
		if _, err := purego.Dlopen(name, purego.RTLD_NOW|purego.RTLD_GLOBAL); err != nil {
			return err
		}
	}
	return nil
}

// dropPowers gives up every capability but those by which root may write to a
// folder that belongs to somebody else.
func dropPowers() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var has [2]unix.CapUserData // of 32 capabilities each
	if err := unix.Capget(&header, &has[0]); err != nil {
		return fmt.Errorf("read capabilities: %w", err)
	}
	kept := has[0].Permitted & (1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_FOWNER)
	keep := [2]unix.CapUserData{{Effective: kept, Permitted: kept}}
	// On all threads, which unix.Capset does not do.
	_, _, failure := psx.Syscall3(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&header)), uintptr(unsafe.Pointer(&keep)), 0)
	runtime.KeepAlive(&keep)
	if failure != 0 {
		return fmt.Errorf("drop capabilities: %w", failure)
	}
	return nil
}

const (
	// leastLandlock is the first version in which files may move from folder
	// to folder, as they do when a table is dropped: Linux 5.19.
	leastLandlock = 2

	mayRead  = kernel.AccessFSReadFile | kernel.AccessFSReadDir
	mayWrite = mayRead | kernel.AccessFSWriteFile | kernel.AccessFSTruncate | kernel.AccessFSRefer |
		kernel.AccessFSMakeReg | kernel.AccessFSMakeDir | kernel.AccessFSMakeSym |
		kernel.AccessFSRemoveFile | kernel.AccessFSRemoveDir
)

// memorySize is where the engine learns how much memory it has taken.
const memorySize = "/proc/self/statm"

// jail leaves to the process, with the threads it has and will have, the
// engine's own folders and the library, and nothing that could be executed.
func (p process) jail() error {
	switch version, err := kernel.LandlockGetABIVersion(); {
	case err != nil:
		return fmt.Errorf("ask for its version: %w", err)
	case version < leastLandlock:
		return fmt.Errorf("version %d does not do, %d is needed", version, leastLandlock)
	}
	// The kernel may forget a file of /proc that nobody has open, and with it
	// the rule about it.
	if _, err := unix.Open(memorySize, unix.O_PATH|unix.O_CLOEXEC, 0); err != nil {
		return fmt.Errorf("open %s: %w", memorySize, err)
	}
	err := landlock.V10.BestEffort().Restrict(
		landlock.PathAccess(kernel.AccessFSReadFile, p.library, memorySize, "/dev/urandom"),
		landlock.PathAccess(kernel.AccessFSReadFile|kernel.AccessFSWriteFile, os.DevNull),
		landlock.PathAccess(mayRead, p.etc),
		landlock.PathAccess(mayWrite, p.data),
		landlock.BindTCP(uint16(p.port)), landlock.ConnectTCP(uint16(p.port)),
	)
	if err != nil {
		return err
	}
	if _, err := os.ReadDir("/"); err == nil {
		return errors.New("it is in force and holds nothing back")
	}
	return nil
}
