package plate

// Sight is what one reader made of one picture of a plate, and where it saw
// it.
type Sight struct {
	Read
	// Places are where the middle of each character stands, 0..1 of the
	// plate's width.
	Places []float64
}

// A plate has a margin, and the middle of its first and last character stand
// half a character farther in. A text that begins or ends nearer to the edge
// has lost its end, and what networks read there is a guess; one that ends
// sooner has lost its last character. GA 36-2018 puts the middles at 0.08 and
// 0.91 to 0.92, and readers tell them in steps of about 0.05.
const (
	firstLeast          = 0.05
	lastLeast, lastMost = 0.80, 0.93
)

// begins reports whether the first character stands where a whole plate's
// does.
func (s Sight) begins() bool { return len(s.Places) > 0 && s.Places[0] >= firstLeast }

// ends reports the same of the last character.
func (s Sight) ends() bool {
	n := len(s.Places)
	return n > 0 && s.Places[n-1] >= lastLeast && s.Places[n-1] <= lastMost
}
