package plate

// Settle joins what three readers made of one picture of a plate: two others'
// networks, as Agree does, and our own, which was trained on drawn plates alone.
// The read is accepted where the first two agree and the third has nothing
// against it, or where the third agrees with one of them. No reader is believed
// against both others, and the plate must fill the picture from end to end as
// the second one sees it: the third tells the first character at the very left,
// as the first one does.
func Settle(first, second, third Sight) Read {
	read := Agree(first, second)
	if read.Accepted {
		if objects(third.Read, read.Text) {
			read.Accepted = false
			read = doubt(read, third.Read)
		}
		return read
	}
	if !second.begins() || !second.ends() {
		return read
	}
	if joined, ok := confirmed(second, third); ok {
		return joined
	}
	if joined, ok := confirmed(first, third); ok && first.ends() {
		return joined
	}
	return read
}

// confirmed joins two readers that say the same, and reports whether that is
// enough to accept it.
func confirmed(other, third Sight) (Read, bool) {
	if other.Text == "" || other.Text != third.Text {
		return Read{}, false
	}
	read, glimpse := join(other.Read, third.Read)
	read.Accepted = read.Confidence >= seen && glimpse >= glimpsed
	return read, read.Accepted
}

// objects reports whether the third reader speaks against what the first two
// agree on. Those two have learnt from streets in which most plates are of few
// provinces, and one of them takes a Q for a 0, so that in these they err
// alike; the third has seen all characters equally often. Elsewhere they are
// the better ones.
func objects(third Read, text string) bool {
	a, b := []rune(text), []rune(third.Text)
	if len(a) != len(b) {
		return false
	}
	if a[0] != b[0] && third.Chars[0] >= sure {
		return true
	}
	for i := range a {
		if a[i] == '0' && b[i] != '0' && third.Chars[i] >= unsure {
			return true
		}
	}
	return false
}
