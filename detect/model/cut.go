package model

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// More field numbers of onnx.proto.
const (
	graphNode   = 1
	nodeInput   = 1
	nodeOutput  = 2
	valueName   = 1
	tensorType  = 1
	onnxFloat32 = 1
)

// cutAt edits the bytes of a model so that it ends at other tensors, of type
// float32, and leaves out all nodes that those do not need.
func cutAt(onnx []byte, tensors ...string) ([]byte, error) {
	graphs := 0
	edited, err := editField(onnx, modelGraph, func(graph []byte) ([]byte, error) {
		graphs++
		graph, err := keepNodes(graph, tensors)
		if err != nil {
			return nil, err
		}
		graph, err = editField(graph, graphOutput, func([]byte) ([]byte, error) { return nil, nil })
		for _, name := range tensors {
			graph = protowire.AppendTag(graph, graphOutput, protowire.BytesType)
			graph = protowire.AppendBytes(graph, floatTensor(name))
		}
		return graph, err
	})
	if err == nil && graphs != 1 {
		return nil, fmt.Errorf("%w: it has %d graphs", errNotONNX, graphs)
	}
	return edited, err
}

// floatTensor is the ValueInfoProto of a tensor of four dimensions.
func floatTensor(name string) []byte {
	message := func(field protowire.Number, content []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), content)
	}
	var shape []byte
	for _, dimension := range []string{"batch", "rows", "y", "x"} {
		shape = append(shape, message(shapeDimensions, message(dimensionParam, []byte(name+"/"+dimension)))...)
	}
	tensor := protowire.AppendVarint(protowire.AppendTag(nil, tensorType, protowire.VarintType), onnxFloat32)
	tensor = append(tensor, message(tensorShape, shape)...)
	return append(message(valueName, []byte(name)), message(valueInfoType, message(typeTensor, tensor))...)
}

// keepNodes drops the nodes that are not needed for some tensors. ONNX has
// nodes in an order in which each comes after those that it needs.
func keepNodes(graph []byte, tensors []string) ([]byte, error) {
	nodes, err := fields(graph, graphNode)
	if err != nil {
		return nil, err
	}
	needed := map[string]bool{}
	for _, name := range tensors {
		needed[name] = true
	}
	made := map[string]bool{}
	keep := make([]bool, len(nodes))
	for i, node := range slices.Backward(nodes) {
		outputs, err := fields(node, nodeOutput)
		if err != nil {
			return nil, err
		}
		for _, name := range outputs {
			keep[i] = keep[i] || needed[string(name)]
			made[string(name)] = true
		}
		inputs, err := fields(node, nodeInput)
		if err != nil {
			return nil, err
		}
		for _, name := range inputs {
			needed[string(name)] = needed[string(name)] || keep[i]
		}
	}
	for _, name := range tensors {
		if !made[name] {
			return nil, fmt.Errorf("the model has no tensor %s", name)
		}
	}
	i := -1
	return editField(graph, graphNode, func(node []byte) ([]byte, error) {
		if i++; keep[i] {
			return node, nil
		}
		return nil, nil
	})
}

// fields are the values of a field of bytes in a message.
func fields(message []byte, field protowire.Number) (values [][]byte, err error) {
	_, err = editField(message, field, func(value []byte) ([]byte, error) {
		values = append(values, value)
		return value, nil
	})
	return values, err
}
