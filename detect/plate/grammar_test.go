package plate

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	small := []Kind{Blue, Yellow}
	for _, tc := range []struct {
		name, text string
		want       []Kind
	}{
		{"blue or yellow", "苏E7K392", small},
		{"digits alone", "京A00000", small},
		{"letters alone", "皖AAAAAA", small},
		{"official office O", "京O12345", small},
		{"new energy small", "粤BD12345", []Kind{Green}},
		{"new energy small, two letters", "粤BFA2345", []Kind{Green}},
		{"new energy large", "沪A06158F", []Kind{Green, Yellow}},
		{"coach", "鲁B3F23学", []Kind{Yellow}},
		{"trailer", "冀DH265挂", []Kind{Yellow}},
		{"police", "京A1234警", []Kind{White}},
		{"consulate", "沪A0123领", []Kind{Black}},
		{"embassy, old", "使014578", []Kind{Black}},
		{"embassy, new", "224578使", []Kind{Black}},
		{"Hong Kong", "粤ZF123港", []Kind{Black}},
		{"Macao", "粤Z1234澳", []Kind{Black}},
		{"military", "VA02009", []Kind{White}},
		{"armed police of a province", "WJ京1023X", []Kind{White}},
		{"armed police", "WJ00011", []Kind{White}},

		{"nothing", "", nil},
		{"one short", "苏E7K39", nil},
		{"one long", "苏E7K3921", nil},
		{"no province", "AE7K392", nil},
		{"unknown province", "台E7K392", nil},
		{"I in the serial", "苏E7I392", nil},
		{"O in the serial", "苏E7O392", nil},
		{"office I", "苏I7K392", nil},
		{"digit for the office", "苏17K392", nil},
		{"small letters", "苏e7k392", nil},
		{"separated", "苏E·7K392", nil},
		{"green without its letter", "粤B1A2345X", nil},
		{"green with a letter that green has not", "粤BL12345", nil},
		{"green large with a letter inside", "粤B1234AD", nil},
		{"use character inside", "京A12警34", nil},
		{"Hong Kong outside Guangdong Z", "粤A1234港", nil},
		{"military of an unknown branch", "XA02009", nil},
		{"military with O", "VO02009", nil},
		{"clock", "2026年11月", nil},
		{"two plates", "苏E7K392苏E7K392", nil},
		{"not UTF-8", "\xe8\x8b", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, Parse(tc.text)); diff != "" {
				t.Errorf("Parse(%q) (-want +got):\n%s", tc.text, diff)
			}
			if Valid(tc.text) != (tc.want != nil) {
				t.Errorf("Valid(%q) = %v", tc.text, Valid(tc.text))
			}
		})
	}
}

func TestEveryProvince(t *testing.T) {
	if n := len([]rune(provinces)); n != 31 {
		t.Fatalf("%d provinces, want 31", n)
	}
	for _, province := range provinces {
		if strings.Count(provinces, string(province)) != 1 {
			t.Errorf("%c stands twice", province)
		}
		for _, rest := range []string{"A12345", "BD12345", "A1234警"} {
			if text := string(province) + rest; !Valid(text) {
				t.Errorf("%s is not valid", text)
			}
		}
	}
}

func TestIndex(t *testing.T) {
	seen := map[int]rune{}
	for _, r := range alphabet {
		i, known := Index(r)
		if !known || i < 1 || i >= Classes {
			t.Fatalf("Index(%c) = %d, %v", r, i, known)
		}
		if other, taken := seen[i]; taken {
			t.Errorf("%c and %c share index %d", r, other, i)
		}
		seen[i] = r
	}
	if len(seen) != Classes-1 {
		t.Errorf("%d characters, want %d", len(seen), Classes-1)
	}
	for _, r := range "I·台a \x00" {
		if i, known := Index(r); known || i != 0 {
			t.Errorf("Index(%q) = %d, %v, want none", r, i, known)
		}
	}
}

// Our own reader is trained to say characters by this index.
func TestTrainingHasTheSameAlphabet(t *testing.T) {
	source, err := os.ReadFile("../../train/plates/network.py")
	if err != nil {
		t.Fatal(err)
	}
	var trained strings.Builder
	_, list, _ := strings.Cut(string(source), "ALPHABET = (")
	list, _, _ = strings.Cut(list, ")")
	for line := range strings.Lines(list) {
		trained.WriteString(strings.Trim(line, " \"\n"))
	}
	if trained.String() != alphabet {
		t.Errorf("train/plates/network.py has %q, want %q", trained.String(), alphabet)
	}
}

func FuzzParse(f *testing.F) {
	for _, text := range []string{"苏E7K392", "粤BD12345", "使014578", "WJ京1023X", "", "\xff", "苏I"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		kinds := Parse(text)
		if len(kinds) == 0 {
			return
		}
		if n := len([]rune(text)); n < 7 || n > 8 {
			t.Errorf("%q of %d characters is %v", text, n, kinds)
		}
		if strings.ContainsAny(text, "I·- ") {
			t.Errorf("%q has a character that no plate has", text)
		}
		if again := Parse(strings.ToValidUTF8(text, "")); !cmp.Equal(again, kinds) {
			t.Errorf("%q is %v, cleaned %v", text, kinds, again)
		}
	})
}

func TestSpell(t *testing.T) {
	for _, p := range patterns {
		for seed := range 50 {
			text := Spell(p.marks, func(n int) int { return seed % n })
			for _, kind := range p.kinds {
				if !slices.Contains(Parse(text), kind) {
					t.Errorf("%q gave %s, which is no %s plate", p.marks, text, kind)
				}
			}
		}
	}
}
