// Package segment reads and writes the files in which the embedded broker keeps
// the messages of a partition: record batches in Kafka's own form, one after the
// other. It trusts nothing it reads, says where a file is damaged, finds what is
// sound beyond that, and changes no file that is there.
package segment

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"github.com/segmentio/kafka-go/compress"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Record is a message of a partition.
type Record struct {
	Offset     int64
	At         time.Time
	Key, Value []byte
}

// Batch is the messages that were written at once, as they lie in a file. It
// reaches from First to Last, inclusive.
type Batch struct {
	Raw         []byte
	First, Last int64
	Records     []Record
}

const (
	headerSize = 61 // up to the records
	afterSize  = 12 // what comes before the bytes that a batch's length counts
	crcEnd     = 21 // where the bytes begin that its checksum is over
	magic      = 2  // the only form that brokers write since 2017
	magicAt    = 16
	controlBit = 0x20 // in the attributes: it marks the end of a transaction

	// maxBatch bounds what is believed of a length; a broker takes a mebibyte.
	maxBatch = 64 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errCut says that the bytes end before the batch does.
var errCut = errors.New("the batch is cut short")

// parse reads the batch at the beginning of data.
func parse(data []byte) (Batch, error) {
	if len(data) < magicAt+1 {
		return Batch{}, errCut
	}
	if data[magicAt] != magic {
		return Batch{}, errors.New("no batch begins here")
	}
	size := afterSize + int64(binary.BigEndian.Uint32(data[8:]))
	if size < headerSize || size > maxBatch {
		return Batch{}, fmt.Errorf("a batch of %d bytes is not possible", size)
	}
	if size > int64(len(data)) {
		return Batch{}, errCut
	}
	raw := data[:size]
	if crc32.Checksum(raw[crcEnd:], castagnoli) != binary.BigEndian.Uint32(raw[crcEnd-4:]) {
		return Batch{}, errors.New("the batch has not the checksum that it was written with")
	}
	var head kmsg.RecordBatch
	if err := head.UnsafeReadFrom(raw); err != nil {
		return Batch{}, fmt.Errorf("read the batch: %w", err)
	}
	if head.FirstOffset < 0 || head.FirstOffset > 1<<62 || head.LastOffsetDelta < 0 {
		return Batch{}, errors.New("the batch has no place in the partition")
	}
	b := Batch{Raw: raw, First: head.FirstOffset, Last: head.FirstOffset + int64(head.LastOffsetDelta)}
	if head.Attributes&controlBit != 0 {
		return b, nil
	}
	var err error
	b.Records, err = records(head)
	return b, err
}

// records reads the messages of a batch.
func records(head kmsg.RecordBatch) (list []Record, err error) {
	data := head.Records
	if codec := compress.Compression(head.Attributes & 7).Codec(); codec != nil {
		if data, err = inflate(codec, data); err != nil {
			return nil, err
		}
	}
	for len(data) > 0 {
		length, used := binary.Varint(data)
		if used <= 0 || length < 0 || length > int64(len(data)-used) {
			return nil, errors.New("a message reaches beyond its batch")
		}
		var r kmsg.Record
		if err := r.ReadFrom(data[:used+int(length)]); err != nil {
			return nil, fmt.Errorf("read a message: %w", err)
		}
		if r.OffsetDelta < 0 || r.OffsetDelta > head.LastOffsetDelta {
			return nil, errors.New("a message has no place in its batch")
		}
		list = append(list, Record{
			Offset: head.FirstOffset + int64(r.OffsetDelta),
			At:     time.UnixMilli(head.FirstTimestamp + r.TimestampDelta64).UTC(), Key: r.Key, Value: r.Value,
		})
		data = data[used+int(length):]
	}
	if int64(len(list)) != int64(head.NumRecords) {
		return nil, fmt.Errorf("the batch holds %d messages and says %d", len(list), head.NumRecords)
	}
	return list, nil
}

func inflate(codec compress.Codec, data []byte) ([]byte, error) {
	r := codec.NewReader(bytes.NewReader(data))
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxBatch+1))
	if err == nil && len(data) > maxBatch {
		err = errors.New("it is too large")
	}
	if err != nil {
		return nil, fmt.Errorf("unpack the batch: %w", err)
	}
	return data, nil
}

// Encode writes one message as a batch of its own.
func Encode(r Record) []byte {
	message := kmsg.Record{Key: r.Key, Value: r.Value}
	body := message.AppendTo(nil)[1:] // without the length, which is 0 in one byte
	message.Length = int32(len(body))
	at := r.At.UnixMilli()
	b := kmsg.RecordBatch{
		FirstOffset: r.Offset, Magic: magic, FirstTimestamp: at, MaxTimestamp: at,
		ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1, NumRecords: 1, Records: message.AppendTo(nil),
	}
	b.Length = int32(headerSize - afterSize + len(b.Records))
	raw := b.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[crcEnd-4:], crc32.Checksum(raw[crcEnd:], castagnoli))
	return raw
}

// First is the offset of the first message of a batch.
func First(raw []byte) int64 { return int64(binary.BigEndian.Uint64(raw)) }
