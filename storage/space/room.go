package space

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// room is what a file system has left, for this user.
type room struct {
	free, size        uint64 // bytes
	freeFiles, filesN uint64 // files that can still be made; both 0 where there is no limit
}

func measure(dir string) (room, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return room{}, fmt.Errorf("ask for its room: %w", err)
	}
	unit := uint64(stat.Frsize)
	return room{
		free: stat.Bavail * unit, size: stat.Blocks * unit,
		freeFiles: stat.Ffree, filesN: stat.Files,
	}, nil
}

const (
	// leastFree is enough for the cases of a while, and for the database to merge
	// what it has; of a small file system it is a share.
	leastFree  = 1 << 30
	leastShare = 50 // one in so many bytes or files

	leastFiles = 10_000
)

// short reports whether so little is left that something will fail soon.
func (r room) short() bool {
	return r.free < min(leastFree, r.size/leastShare) || r.filesN > 0 && r.freeFiles < min(leastFiles, r.filesN/leastShare)
}

func (r room) String() string {
	if r.filesN > 0 && r.freeFiles < min(leastFiles, r.filesN/leastShare) {
		return fmt.Sprintf("%s and %d files", bytesOf(r.free), r.freeFiles)
	}
	return bytesOf(r.free)
}

func bytesOf(n uint64) string {
	const kilo = 1000
	unit, value := 0, float64(n)
	for value >= kilo && unit < 4 {
		unit, value = unit+1, value/kilo
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %cB", value, " kMGT"[unit])
}
