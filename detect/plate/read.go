// Package plate knows what Chinese number plates look like in text (GA
// 36-2018) and turns the readers' character scores into a read that is either
// trustworthy or says that it is not. It is pure Go.
package plate

// Kind is a plate's kind by colour and use.
type Kind string

// The kinds of GA 36-2018 that the grammar knows.
const (
	Blue        Kind = "blue"   // small vehicles, 7 characters
	Green       Kind = "green"  // new energy, 8 characters
	Yellow      Kind = "yellow" // large vehicles, 学 and 挂 included
	White       Kind = "white"  // police, military
	Black       Kind = "black"  // 使 领 港 澳
	UnknownKind Kind = ""
)

// Read is what the machine made of a plate.
type Read struct {
	Text       string    `json:"text"`
	Kind       Kind      `json:"kind"`
	Confidence float64   `json:"confidence"` // 0..1, of the weakest character
	Chars      []float64 `json:"chars,omitempty"`
	Accepted   bool      `json:"accepted"` // false: shown as unread, Text is only a hint
	// Clarity is how large and sharp the plate showed, 0..1; 0 is not told.
	Clarity float64 `json:"clarity,omitempty"`
	// Corners are where it was in the picture that was read; zero is not told.
	Corners Corners `json:"-"`
}
