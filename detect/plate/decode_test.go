package plate

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// steps makes one step for each rune, seen with probability p and otherwise
// none; a dot is none for sure.
func steps(t *testing.T, spelled string, p float32) Scores {
	t.Helper()
	var scores Scores
	for _, r := range spelled {
		var step [Classes]float32
		if r == '.' {
			step[0] = 1
		} else {
			set(t, &step, r, p)
			step[0] = 1 - p
		}
		scores = append(scores, step)
	}
	return scores
}

func set(t *testing.T, step *[Classes]float32, r rune, p float32) {
	t.Helper()
	index, known := Index(r)
	if !known {
		t.Fatalf("no plate has %c", r)
	}
	step[index] = p
}

func TestDecode(t *testing.T) {
	for _, tc := range []struct {
		name, spelled string
		colour        Kind
		want          string
	}{
		{"plain", "苏E7K392", UnknownKind, "苏E7K392"},
		{"none between", "..苏.E..7.K.3..9.2.", UnknownKind, "苏E7K392"},
		{"held characters", "苏苏苏EE77KKK3992", UnknownKind, "苏E7K392"},
		{"double across none", "皖A.1.1.1.1.1", UnknownKind, "皖A11111"},
		{"green", "粤B.D12345", UnknownKind, "粤BD12345"},
		{"coach", "鲁B3F2.3学", Yellow, "鲁B3F23学"},
		{"a colour allows its own", "粤B.D12345", Green, "粤BD12345"},
		{"light makes any plate white", "苏E7K392", White, "苏E7K392"},
		{"a held character is not two", "苏E7K339", UnknownKind, ""},
		{"too short", "苏E7K39", UnknownKind, ""},
		{"a clock", "2026112316", UnknownKind, ""},
		{"nothing seen", "......", UnknownKind, ""},
		{"no steps", "", UnknownKind, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := Decode(steps(t, tc.spelled, 1), tc.colour)
			if got.Text != tc.want || got.Accepted || got.Kind != UnknownKind {
				t.Errorf("got %+v, want %q, not accepted", got, tc.want)
			}
		})
	}
}

func TestDecodeWithinGrammar(t *testing.T) {
	t.Run("O in the serial is no choice, the next best is", func(t *testing.T) {
		scores := steps(t, "苏E7O392", 0.9) // O is only an office
		set(t, &scores[3], 'Q', 0.06)
		if got := Decode(scores, UnknownKind); got.Text != "苏E7Q392" {
			t.Errorf("got %q", got.Text)
		}
	})
	t.Run("the colour settles a lost character", func(t *testing.T) {
		scores := steps(t, "粤BD12345", 0.9)
		set(t, &scores[7], '5', 0.4) // 粤BD1234 is likelier
		scores[7][0] = 0.6
		for colour, want := range map[Kind]string{Blue: "粤BD1234", Green: "粤BD12345", UnknownKind: "粤BD1234"} {
			scores := append(Scores(nil), scores...)
			if got := Decode(scores, colour); got.Text != want {
				t.Errorf("%q plate: got %q, want %q", colour, got.Text, want)
			}
		}
	})
	t.Run("repeats without none are one character", func(t *testing.T) {
		scores := steps(t, "皖A112345", 1)
		if got := Decode(scores, UnknownKind); got.Text != "皖A12345" {
			t.Errorf("got %q", got.Text)
		}
	})
}

func TestConfidences(t *testing.T) {
	scores := steps(t, "苏E77K.392", 0.9)
	set(t, &scores[2], '7', 0.6)
	set(t, &scores[4], 'K', 0.5)
	set(t, &scores[4], 'X', 0.3)
	got := Decode(scores, UnknownKind)
	want := Sight{
		Read: Read{Text: "苏E7K392", Confidence: 0.5, Chars: []float64{.9, .9, .9, .5, .9, .9, .9}},
		// The first 7 is between the steps that see it, which are not equally sure.
		Places: []float64{.5, 1.5, 3.1, 4.5, 6.5, 7.5, 8.5},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-6)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// What a network says comes from outside: no scores may break the decoder.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{}, uint8(0))
	f.Add([]byte{1, 0, 0, 200, 40, 0, 0, 255}, uint8(12))
	f.Fuzz(func(t *testing.T, data []byte, n uint8) {
		scores := make(Scores, n%32)
		for len(data) >= 4 && len(scores) > 0 {
			at := binary.LittleEndian.Uint32(data)
			scores[int(data[0])%len(scores)][int(data[1])%Classes] = math.Float32frombits(at)
			data = data[4:]
		}
		got := Decode(scores, UnknownKind)
		if got.Text != "" && (!Valid(got.Text) || len(got.Chars) != len([]rune(got.Text)) || len(got.Places) != len(got.Chars)) {
			t.Errorf("got %+v", got)
		}
	})
}
