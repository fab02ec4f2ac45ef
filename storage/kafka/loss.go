package kafka

import (
	"fmt"
	"strings"

	"tidewatch/storage/kafka/segment"
)

// Loss says what of a case log is missing, or is not what was written.
type Loss struct{ Places []Place }

// Place is one place of a loss. The offsets from From to before Until are
// missing; where both are equal it is not known which.
type Place struct {
	Where       string // a file, a folder, or a partition of a topic
	Partition   int    // -1: all
	From, Until int64
	What        string
}

func (l *Loss) Error() string {
	var text strings.Builder
	text.WriteString("the case log is damaged")
	for i, p := range l.Places {
		if i == maxTold {
			fmt.Fprintf(&text, "; and at %d more places", len(l.Places)-i)
			break
		}
		fmt.Fprintf(&text, "; %s", p)
	}
	return text.String()
}

// vanishedPlace is a log of which nothing is left.
func vanishedPlace(data string, cases int) Place {
	return Place{data, -1, 0, 0, fmt.Sprintf("is not there, and there is evidence of %d cases", cases)}
}

// behindPlace is a partition that ends before what the database has of it.
func behindPlace(data, topic string, id int, end, stored int64) Place {
	dir := segment.Dir(partitionsDir(data), topic, id)
	return Place{dir, id, end, stored, fmt.Sprintf("ends after %d events, and the database has %d", end, stored)}
}

// maxTold bounds how many places one message names.
const maxTold = 10

func (p Place) String() string {
	text := p.Where + ": " + p.What
	switch {
	case p.Until == p.From+1:
		return fmt.Sprintf("%s (event %d of partition %d is missing)", text, p.From, p.Partition)
	case p.Until > p.From:
		return fmt.Sprintf("%s (events %d to %d of partition %d are missing)", text, p.From, p.Until-1, p.Partition)
	}
	return text
}
