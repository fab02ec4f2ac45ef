package ring

import (
	"bytes"
	"fmt"
	"io"
	"time"

	mp4 "github.com/abema/go-mp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"

	"tidewatch/ingest"
	"tidewatch/ingest/nal"
)

// What a clip's file tells of its time, as QuickTime metadata: the moment of
// the first picture in ISO 8601, UTC, to the microsecond, and whose clock told
// it ("camera" or "server"). The moments of the other pictures follow from
// their presentation times.
const (
	momentKey = "com.apple.quicktime.creationdate"
	clockKey  = "tidewatch.clock"
)

// mp4Epoch is the zero of times in MP4.
var mp4Epoch = time.Date(1904, 1, 1, 0, 0, 0, 0, time.UTC)

// stamped is the head of an MP4 file with the clip's time in it: to the second
// where every program looks for it (mvhd), whole as metadata.
func (c Clip) stamped(head []byte) ([]byte, error) {
	metadata, err := metadata([][2]string{
		{momentKey, c.From.UTC().Format("2006-01-02T15:04:05.000000Z07:00")},
		{clockKey, string(c.Clock)},
	})
	if err != nil {
		return nil, err
	}
	created := uint64(c.From.Unix() - mp4Epoch.Unix())
	sets := announced(c.Units)
	// A header of version 1, whose times do not end in 2040, is larger.
	grown := len(metadata) + 12 + added(sets)
	source, target := bytes.NewReader(head), &seekablebuffer.Buffer{}
	e := editor{source, mp4.NewWriter(target)}
	_, err = mp4.ReadBoxStructure(source, func(h *mp4.ReadHandle) (any, error) {
		switch h.BoxInfo.Type.String() {
		case "moov":
			return nil, e.inside(h, metadata)
		case "trak", "mdia", "minf", "stbl", "stsd", "avc1", "hvc1", "hev1":
			return nil, e.inside(h, nil)
		case "avcC", "hvcC":
			return nil, e.rewrite(h, func(box mp4.IBox) { announce(box, sets) })
		case "mvhd":
			return nil, e.rewrite(h, func(box mp4.IBox) {
				header := box.(*mp4.Mvhd)
				header.Version = 1
				header.CreationTimeV1, header.ModificationTimeV1 = created, created
				header.DurationV1 = uint64(header.DurationV0)
			})
		case "stco":
			return nil, e.rewrite(h, func(box mp4.IBox) {
				chunks := box.(*mp4.Stco).ChunkOffset
				for i := range chunks {
					chunks[i] += uint32(grown)
				}
			})
		case "mdat": // its pictures follow
			_, err := mp4.WriteBoxInfo(e.target, &h.BoxInfo)
			return nil, err
		}
		return nil, e.target.CopyBox(e.source, &h.BoxInfo)
	})
	if err == nil && target.Len() != len(head)+grown {
		err = fmt.Errorf("the head grew by %d bytes, not by %d", target.Len()-len(head), grown)
	}
	return target.Bytes(), err
}

// editor copies boxes from one file into another and changes some of them.
type editor struct {
	source io.ReadSeeker
	target *mp4.Writer
}

// inside copies a box that holds others, which are asked about one by one, and
// adds more at its end.
func (e editor) inside(h *mp4.ReadHandle, more []byte) error {
	if _, err := e.target.StartBox(&h.BoxInfo); err != nil {
		return err
	}
	box, _, err := h.ReadPayload()
	if err != nil {
		return err
	}
	if _, err := mp4.Marshal(e.target, box, h.BoxInfo.Context); err != nil {
		return err
	}
	if _, err := h.Expand(); err != nil {
		return err
	}
	if _, err := e.target.Write(more); err != nil {
		return err
	}
	_, err = e.target.EndBox()
	return err
}

// rewrite copies a box that has no others inside with a change.
func (e editor) rewrite(h *mp4.ReadHandle, change func(mp4.IBox)) error {
	box, _, err := h.ReadPayload()
	if err != nil {
		return err
	}
	change(box)
	return write(e.target, h.BoxInfo.Type, box)
}

// added is by how many bytes announce makes a file longer: each set beyond the
// first of its kind, with its length.
func added(sets *ingest.Format) int {
	n := 0
	for _, kind := range []nal.Kind{nal.VPS, nal.SPS, nal.PPS} {
		for _, set := range more(sets, kind) {
			n += 2 + len(set)
		}
	}
	return n
}

// more are the sets of a kind beyond the first.
func more(sets *ingest.Format, kind nal.Kind) [][]byte {
	all := sets.Of(kind)
	return all[min(1, len(all)):]
}

// announce adds the parameter sets that a file's writer had no room for: it
// knows one of each kind.
func announce(box mp4.IBox, sets *ingest.Format) {
	switch config := box.(type) {
	case *mp4.AVCDecoderConfiguration:
		for _, set := range more(sets, nal.SPS) {
			config.SequenceParameterSets = append(config.SequenceParameterSets, mp4.AVCParameterSet{Length: uint16(len(set)), NALUnit: set})
		}
		for _, set := range more(sets, nal.PPS) {
			config.PictureParameterSets = append(config.PictureParameterSets, mp4.AVCParameterSet{Length: uint16(len(set)), NALUnit: set})
		}
		config.NumOfSequenceParameterSets = uint8(len(config.SequenceParameterSets))
		config.NumOfPictureParameterSets = uint8(len(config.PictureParameterSets))
	case *mp4.HvcC:
		for i := range config.NaluArrays {
			array := &config.NaluArrays[i]
			for _, set := range more(sets, hevcKinds[array.NaluType]) {
				array.Nalus = append(array.Nalus, mp4.HEVCNalu{Length: uint16(len(set)), NALUnit: set})
			}
			array.NumNalus = uint16(len(array.Nalus))
		}
	}
}

// hevcKinds are the parameter sets by their types of NAL unit.
var hevcKinds = map[uint8]nal.Kind{32: nal.VPS, 33: nal.SPS, 34: nal.PPS}

// metadata is a meta box of the kind that QuickTime defined: keys by name, each
// with a text.
func metadata(pairs [][2]string) ([]byte, error) {
	keys := &mp4.Keys{EntryCount: int32(len(pairs))}
	for _, pair := range pairs {
		keys.Entries = append(keys.Entries, mp4.Key{
			KeySize: int32(8 + len(pair[0])), KeyNamespace: []byte("mdta"), KeyValue: []byte(pair[0]),
		})
	}
	var box seekablebuffer.Buffer
	w := mp4.NewWriter(&box)
	err := write(w, mp4.BoxTypeMeta(), &mp4.Meta{},
		func() error { return write(w, mp4.BoxTypeHdlr(), &mp4.Hdlr{HandlerType: [4]byte{'m', 'd', 't', 'a'}}) },
		func() error { return write(w, mp4.BoxTypeKeys(), keys) },
		func() error { return write(w, mp4.BoxTypeIlst(), &mp4.Ilst{}, items(w, pairs)...) },
	)
	return box.Bytes(), err
}

// items are the texts of the keys, in boxes that carry the key's number as
// their name.
func items(w *mp4.Writer, pairs [][2]string) []func() error {
	var all []func() error
	for i, pair := range pairs {
		all = append(all, func() error {
			if _, err := w.StartBox(&mp4.BoxInfo{Type: mp4.BoxType{3: byte(i + 1)}}); err != nil {
				return err
			}
			if err := write(w, mp4.BoxTypeData(), &mp4.Data{DataType: mp4.DataTypeStringUTF8, Data: []byte(pair[1])}); err != nil {
				return err
			}
			_, err := w.EndBox()
			return err
		})
	}
	return all
}

// write writes a box and what goes into it.
func write(w *mp4.Writer, name mp4.BoxType, box mp4.IBox, inside ...func() error) error {
	if _, err := w.StartBox(&mp4.BoxInfo{Type: name}); err != nil {
		return err
	}
	if _, err := mp4.Marshal(w, box, mp4.Context{UnderIlstMeta: true}); err != nil {
		return err
	}
	for _, more := range inside {
		if err := more(); err != nil {
			return err
		}
	}
	_, err := w.EndBox()
	return err
}
