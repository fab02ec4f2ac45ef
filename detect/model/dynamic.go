package model

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// errNotONNX says that bytes are not an ONNX model with tensors in and out.
var errNotONNX = errors.New("not an ONNX model")

// Field numbers of onnx.proto.
const (
	modelGraph      = 7
	graphInput      = 11
	graphOutput     = 12
	graphValueInfo  = 13
	valueInfoType   = 2
	typeTensor      = 1
	tensorShape     = 2
	shapeDimensions = 1
	dimensionParam  = 2
)

// freeSize edits the bytes of a model exported for one input size so that it
// takes any: height and width of its first input and the number of rows of its
// first output become symbolic, and the sizes noted between layers are dropped,
// since they hold for the old input only.
func freeSize(onnx []byte) ([]byte, error) {
	var inputs, outputs int
	model, err := editField(onnx, modelGraph, func(graph []byte) ([]byte, error) {
		graph, err := editField(graph, graphInput, func(info []byte) ([]byte, error) {
			inputs++
			if inputs > 1 {
				return info, nil
			}
			return freeDimensions(info, map[int]string{2: "height", 3: "width"})
		})
		if err != nil {
			return nil, err
		}
		graph, err = editField(graph, graphOutput, func(info []byte) ([]byte, error) {
			outputs++
			if outputs > 1 {
				return info, nil
			}
			return freeDimensions(info, map[int]string{1: "rows"})
		})
		if err != nil {
			return nil, err
		}
		return editField(graph, graphValueInfo, func([]byte) ([]byte, error) { return nil, nil })
	})
	if err != nil {
		return nil, err
	}
	if inputs == 0 || outputs == 0 {
		return nil, fmt.Errorf("%w: it has %d inputs and %d outputs", errNotONNX, inputs, outputs)
	}
	return model, nil
}

// freeDimensions makes dimensions of a tensor's ValueInfoProto symbolic.
func freeDimensions(info []byte, names map[int]string) ([]byte, error) {
	found := 0
	edited, err := editField(info, valueInfoType, func(kind []byte) ([]byte, error) {
		return editField(kind, typeTensor, func(tensor []byte) ([]byte, error) {
			return editField(tensor, tensorShape, func(shape []byte) ([]byte, error) {
				dimension := -1
				return editField(shape, shapeDimensions, func(old []byte) ([]byte, error) {
					dimension++
					name, ok := names[dimension]
					if !ok {
						return old, nil
					}
					found++
					symbolic := protowire.AppendTag([]byte{}, dimensionParam, protowire.BytesType)
					return protowire.AppendString(symbolic, name), nil
				})
			})
		})
	})
	if err == nil && found != len(names) {
		return nil, fmt.Errorf("%w: a tensor has %d of %d expected dimensions", errNotONNX, found, len(names))
	}
	return edited, err
}

// editField replaces each occurrence of a field of bytes in a message by what
// edit makes of it; nil drops it. All else stays as it is.
func editField(message []byte, field protowire.Number, edit func([]byte) ([]byte, error)) ([]byte, error) {
	edited := make([]byte, 0, len(message))
	for len(message) > 0 {
		number, kind, tagSize := protowire.ConsumeTag(message)
		if tagSize < 0 {
			return nil, fmt.Errorf("%w: %w", errNotONNX, protowire.ParseError(tagSize))
		}
		size := protowire.ConsumeFieldValue(number, kind, message[tagSize:])
		if size < 0 {
			return nil, fmt.Errorf("%w: %w", errNotONNX, protowire.ParseError(size))
		}
		whole := message[:tagSize+size]
		message = message[tagSize+size:]
		if number != field || kind != protowire.BytesType {
			edited = append(edited, whole...)
			continue
		}
		value, _ := protowire.ConsumeBytes(whole[tagSize:])
		value, err := edit(value)
		if err != nil {
			return nil, err
		}
		if value != nil {
			edited = protowire.AppendTag(edited, field, protowire.BytesType)
			edited = protowire.AppendBytes(edited, value)
		}
	}
	return edited, nil
}
