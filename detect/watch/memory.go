package watch

import (
	"errors"
	"fmt"
	"io/fs"
	"time"

	"tidewatch/detect/picture"
)

// memoryName is the file of what the scene checks know of the camera, beside
// its open stops.
const memoryName = "scene.memory"

// memoryEvery is how old what is known of the usual picture may become on disk.
const memoryEvery = 10 * time.Minute

// memory is the file's content.
type memory struct {
	Version int
	Zones   string // Config.Zones in force when the reference was taken
	Picture picture.Memory
}

const memoryVersion = 1

// loadMemory reads what a worker before knew of the camera. It is empty if the
// zones have changed since: whoever draws them anew accepts the view as it is.
func (s *store) loadMemory(zones string) (picture.Memory, error) {
	if s.dir == "" {
		return picture.Memory{}, nil
	}
	var m memory
	err := s.decode(memoryName, &m)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return picture.Memory{}, nil
	case err == nil && (m.Version != memoryVersion || !m.Picture.Sound()):
		err = fmt.Errorf("read %s: it is not one of this version", memoryName)
	}
	if err != nil {
		return picture.Memory{}, errors.Join(err, s.discard(memoryName))
	}
	if m.Zones != zones {
		return picture.Memory{}, nil
	}
	return m.Picture, nil
}

func (s *store) saveMemory(zones string, p picture.Memory) error {
	if s.dir == "" {
		return nil
	}
	return s.keep(memoryName, memory{memoryVersion, zones, p})
}
