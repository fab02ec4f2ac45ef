// Package model runs the networks: it finds vehicles in a picture, the corners
// of plates, and the text on them. Inputs are pictures, outputs are relative
// boxes and character scores; what a network's tensors mean stays in here.
package model

import (
	"errors"
	"fmt"
	"sync"

	ort "github.com/yalue/onnxruntime_go"
)

// ErrRuntime says that the ONNX Runtime library could not be used.
var ErrRuntime = errors.New("onnx runtime")

var (
	openOnce sync.Once
	errOpen  error
)

// Open loads the ONNX Runtime library at path. The library allows one
// environment in a process, so the first path wins and later calls return the
// first one's result.
func Open(path string) error {
	openOnce.Do(func() {
		ort.SetSharedLibraryPath(path)
		if err := ort.InitializeEnvironment(ort.WithLogLevelError()); err != nil {
			errOpen = fmt.Errorf("%w: load %s: %w", ErrRuntime, path, err)
		}
	})
	return errOpen
}

// Tensor is a dense array, the last dimension contiguous.
type Tensor struct {
	Shape []int64
	Data  []float32
}

// Network is one loaded model with one input. It is safe for concurrent use;
// each run takes one thread.
type Network struct {
	name    string
	session *ort.DynamicAdvancedSession
	outputs int
}

// NewNetwork loads a model (the bytes of an ONNX file) under a name used in
// errors. Open must have succeeded before.
func NewNetwork(name string, onnx []byte, input string, outputs ...string) (*Network, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("load model %s: %w", name, err)
	}
	defer options.Destroy()
	if err := errors.Join(options.SetIntraOpNumThreads(1), options.SetInterOpNumThreads(1)); err != nil {
		return nil, fmt.Errorf("load model %s: %w", name, err)
	}
	session, err := ort.NewDynamicAdvancedSessionWithONNXData(onnx, []string{input}, outputs, options)
	if err != nil {
		return nil, fmt.Errorf("load model %s: %w", name, err)
	}
	return &Network{name: name, session: session, outputs: len(outputs)}, nil
}

// Run feeds one tensor through the network and returns its outputs in the
// order given to NewNetwork.
func (n *Network) Run(in Tensor) ([]Tensor, error) {
	input, err := ort.NewTensor(ort.NewShape(in.Shape...), in.Data)
	if err != nil {
		return nil, fmt.Errorf("run model %s: %w", n.name, err)
	}
	defer input.Destroy()
	values := make([]ort.Value, n.outputs) // nil: allocated by the runtime
	if err := n.session.Run([]ort.Value{input}, values); err != nil {
		return nil, fmt.Errorf("run model %s: %w", n.name, err)
	}
	outputs := make([]Tensor, 0, n.outputs)
	var wrong error
	for i, value := range values {
		tensor, ok := value.(*ort.Tensor[float32])
		if !ok {
			wrong = fmt.Errorf("run model %s: output %d is not float32", n.name, i)
		} else {
			outputs = append(outputs, Tensor{tensor.GetShape(), append([]float32(nil), tensor.GetData()...)})
		}
		value.Destroy()
	}
	return outputs, wrong
}

// Close frees the network.
func (n *Network) Close() error { return n.session.Destroy() }
