package plate

import "testing"

func TestNormal(t *testing.T) {
	for typed, want := range map[string]string{
		" 川a·12345 ": "川A12345", "川Ａ１２３４５": "川A12345", "川A-D 12345": "川AD12345", "　": "", "WJ川1234a": "WJ川1234A",
	} {
		t.Run(typed, func(t *testing.T) {
			if got := Normal(typed); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if again := Normal(want); again != want {
				t.Errorf("%q becomes %q", want, again)
			}
		})
	}
}
