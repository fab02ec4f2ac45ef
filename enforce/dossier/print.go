package dossier

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // pictures are JPEG
	"io"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/go-pdf/fpdf"

	"tidewatch/enforce"
	"tidewatch/enforce/review"
)

// Measures of a page, A4, in millimetres, and of letters, in points.
const (
	pageWidth, pageHeight = 210., 297.
	margin                = 18.
	inner                 = pageWidth - 2*margin
	foot                  = 20. // kept free at the bottom
	line                  = 5.2 // from one line of text to the next
	labelWidth            = 38. // of the names of facts

	titleSize, headSize, textSize, smallSize = 18., 12., 9.5, 7.5
)

const typefaceName = "evidence"

// printer writes the case file.
type printer struct {
	pdf     *fpdf.Fpdf
	words   words
	account review.Account
	files   Files
	of      enforce.Case
}

// print is the case file as PDF.
func (w Writer) print(ctx context.Context, c enforce.Case, history []enforce.Recorded, language string) ([]byte, error) {
	now := w.Now()
	account, err := review.Describe(c, history, language, now)
	if err != nil {
		return nil, err
	}
	p := &printer{fpdf.New("P", "mm", "A4", ""), languages[language], account, w.Files, c}
	p.prepare(w, now)
	p.parties()
	p.facts()
	p.list(p.words.reasons, account.Reasons)
	if len(account.Windows) == 0 {
		account.Windows = []string{p.words.noWindow}
	}
	p.list(p.words.windows, account.Windows)
	if err := p.pictures(ctx); err != nil {
		return nil, err
	}
	p.record()
	p.evidence()
	p.signatures()
	var file bytes.Buffer
	if err := p.pdf.Output(&file); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

// prepare opens the first page.
func (p *printer) prepare(w Writer, now time.Time) {
	p.pdf.AddUTF8FontFromBytes(typefaceName, "", slices.Clone(w.Font.TrueType()))
	p.pdf.SetMargins(margin, margin, margin)
	p.pdf.SetCellMargin(0)
	p.pdf.SetLineWidth(0.2)
	p.pdf.SetAutoPageBreak(true, foot)
	p.pdf.SetCatalogSort(true)
	p.pdf.SetCreationDate(now)
	p.pdf.SetModificationDate(now)
	p.pdf.SetTitle(p.words.title+" "+p.of.ID, true)
	p.pdf.SetCreator(w.Software, true)
	const pages = "{pages}"
	p.pdf.AliasNbPages(pages)
	written := fmt.Sprintf(p.words.written, now.In(p.account.Location()).Format(time.DateTime), w.Software)
	p.pdf.SetFooterFunc(func() {
		p.pdf.SetY(margin - foot - 4)
		p.grey(smallSize)
		p.pdf.CellFormat(inner/2, line, p.of.ID+"  "+written, "", 0, "L", false, 0, "")
		p.pdf.CellFormat(inner/2, line, fmt.Sprintf(p.words.page, p.pdf.PageNo(), pages), "", 0, "R", false, 0, "")
		p.black(textSize)
	})
	p.pdf.AddPage()
	p.black(titleSize)
	p.pdf.CellFormat(inner, 10, p.words.title, "", 1, "L", false, 0, "")
	p.grey(textSize)
	p.pdf.CellFormat(inner, line, fmt.Sprintf(p.words.subtitle, p.of.ID), "", 1, "L", false, 0, "")
	p.pdf.Ln(2)
}

func (p *printer) black(size float64) {
	p.pdf.SetFont(typefaceName, "", size)
	p.pdf.SetTextColor(0, 0, 0)
}

func (p *printer) grey(size float64) {
	p.pdf.SetFont(typefaceName, "", size)
	p.pdf.SetTextColor(90, 90, 90)
}

// room begins a new page unless this one has so much height left.
func (p *printer) room(height float64) {
	if p.pdf.GetY()+height > pageHeight-foot {
		p.pdf.AddPage()
	}
}

// section begins a part, never at the very end of a page.
func (p *printer) section(title string) {
	p.room(4 * line)
	p.pdf.Ln(3)
	p.black(headSize)
	p.pdf.CellFormat(inner, 7, title, "B", 1, "L", false, 0, "")
	p.pdf.Ln(1.5)
	p.black(textSize)
}

// row writes cells beside each other, each as high as its text needs, and on one
// page all of them.
func (p *printer) row(widths []float64, texts ...string) {
	cells := make([][]string, len(texts))
	lines := 1
	for i, text := range texts {
		cells[i] = p.wrap(text, widths[i])
		lines = max(lines, len(cells[i]))
	}
	p.room(float64(lines) * line)
	x, y := p.pdf.GetXY()
	for i, width := range widths {
		for n, text := range cells[i] {
			p.pdf.SetXY(x, y+float64(n)*line)
			p.pdf.CellFormat(width, line, text, "", 0, "L", false, 0, "")
		}
		x += width
	}
	p.pdf.SetXY(margin, y+float64(lines)*line)
}

// cellGap parts a cell's text from the next cell.
const cellGap = 2.

// wrap breaks a text into lines of a width: between words, or between any two
// Chinese characters.
func (p *printer) wrap(text string, width float64) []string {
	var lines []string
	for part := range strings.Lines(text) {
		current := ""
		for _, piece := range pieces(strings.TrimRight(part, "\n")) {
			if current != "" && p.pdf.GetStringWidth(current+strings.TrimRight(piece, " ")) > width-cellGap {
				lines, current = append(lines, current), strings.TrimLeft(piece, " ")
				continue
			}
			current += piece
		}
		lines = append(lines, current)
	}
	return lines
}

// longestPiece is how long a word may be that is not broken: longer ones are
// hashes.
const longestPiece = 24

// pieces are the parts of a text between which a line may end.
func pieces(text string) []string {
	var found []string
	begin, runes := 0, []rune(text)
	for i := range runes {
		wide := runes[i] >= 0x2e80
		opens := strings.ContainsRune("（〔《“", runes[i])
		closes := i+1 < len(runes) && strings.ContainsRune("，。：；、）〕》”", runes[i+1])
		next := i+1 < len(runes) && runes[i+1] >= 0x2e80
		if i+1 == len(runes) || !closes && !opens && (wide || next || runes[i] == ' ' || i-begin >= longestPiece) {
			found = append(found, string(runes[begin:i+1]))
			begin = i + 1
		}
	}
	return found
}

// parties is whom and what the case is about.
func (p *printer) parties() {
	plate := p.account.Plate
	if plate == "" {
		plate = p.account.PlateRead
	}
	p.black(14)
	p.pdf.CellFormat(inner, 9, p.words.plate+"  "+plate, "", 1, "L", false, 0, "")
	p.black(textSize)
	p.row([]float64{labelWidth, inner - labelWidth}, p.words.read, p.account.PlateRead)
	p.row([]float64{labelWidth, inner - labelWidth}, p.words.state, p.account.State)
}

func (p *printer) facts() {
	p.section(p.words.facts)
	for _, f := range p.account.Facts {
		p.row([]float64{labelWidth, inner - labelWidth}, f.Name, f.Value)
	}
	p.note(fmt.Sprintf(p.words.zone, p.account.Zone))
}

func (p *printer) note(text string) {
	p.grey(smallSize)
	p.row([]float64{inner}, text)
	p.black(textSize)
}

func (p *printer) list(title string, items []string) {
	p.section(title)
	for _, item := range items {
		p.row([]float64{5, inner - 5}, "·", item)
	}
}

// shown are the files that are printed, each or else the one that it is a copy
// of: the wide views two on a page, then the vehicle and its plate.
var shown = []struct{ kind, otherwise enforce.FileKind }{
	{enforce.MarkedBegin, enforce.SceneBegin},
	{enforce.MarkedMiddle, enforce.SceneMiddle},
	{enforce.MarkedDue, enforce.SceneDue},
	{enforce.MarkedCloseUp, enforce.CloseUp},
	{enforce.Plate, enforce.Plate},
}

func (p *printer) pictures(ctx context.Context) error {
	p.pdf.AddPage()
	p.section(p.words.pictures)
	p.note(p.words.check)
	for _, want := range shown {
		f, ok := p.of.Violation.Evidence.File(want.kind)
		if !ok {
			f, ok = p.of.Violation.Evidence.File(want.otherwise)
		}
		if !ok {
			continue
		}
		err := p.picture(ctx, f, want.otherwise)
		if errors.Is(err, fs.ErrNotExist) { // deleted by a rule, which the record tells
			p.note(p.account.Caption(f).Name + "  " + p.words.missing)
			continue
		}
		if err != nil {
			return fmt.Errorf("picture %s: %w", f.Kind, err)
		}
	}
	return nil
}

// heights are those that pictures have at most, so that two wide views stand on a
// page, and the rest beside the third.
var heights = map[enforce.FileKind]float64{enforce.CloseUp: 70, enforce.Plate: 26}

const sceneHeight = 96.

// picture prints a file with its caption, named by what it shows.
func (p *printer) picture(ctx context.Context, f enforce.File, shows enforce.FileKind) error {
	data, size, err := p.read(ctx, f)
	if err != nil {
		return err
	}
	width := min(inner, cmp.Or(heights[shows], sceneHeight)*float64(size.X)/float64(size.Y))
	height := width * float64(size.Y) / float64(size.X)
	p.room(height + 4*line)
	y := p.pdf.GetY()
	jpeg := fpdf.ImageOptions{ImageType: "JPEG"}
	p.pdf.RegisterImageOptionsReader(f.SHA256, jpeg, bytes.NewReader(data))
	p.pdf.ImageOptions(f.SHA256, margin, y, width, height, false, jpeg, 0, "")
	p.pdf.SetY(y + height + 1)
	named := f
	named.Kind = shows
	caption := p.account.Caption(named)
	p.row([]float64{inner}, strings.Join([]string{caption.Name, caption.Taken, caption.Clock}, "  "))
	p.note(p.hashes(f))
	p.pdf.Ln(2)
	return nil
}

// hashes names a picture by its content, and its original too.
func (p *printer) hashes(f enforce.File) string {
	said := "SHA-256 " + f.SHA256
	if f.AntiForgery != "" {
		said = p.words.code + " " + f.AntiForgery + "  " + said
		if len(f.Of) == 1 {
			said += "\n" + p.words.printedOf + " " + f.Of[0]
		}
	}
	return said
}

func (p *printer) read(ctx context.Context, f enforce.File) ([]byte, image.Point, error) {
	r, err := p.files.Open(ctx, f.SHA256)
	if err != nil {
		return nil, image.Point{}, err
	}
	defer func() { _ = r.Close() }() // it was only read
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, image.Point{}, err
	}
	header, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || format != "jpeg" || header.Width < 1 || header.Height < 1 {
		return nil, image.Point{}, fmt.Errorf("file %s is not a JPEG picture", f.SHA256)
	}
	return data, image.Pt(header.Width, header.Height), nil
}

// record is what happened to the case.
func (p *printer) record() {
	p.section(p.words.record)
	widths := []float64{38, 34, inner - 72}
	p.table(widths, p.words.when, p.words.who, p.words.what)
	for _, e := range p.account.History {
		p.row(widths, e.At, e.Who, e.What)
	}
}

// table writes the head of a table.
func (p *printer) table(widths []float64, names ...string) {
	p.grey(textSize)
	p.row(widths, names...)
	p.black(textSize)
}

// evidence lists all files.
func (p *printer) evidence() {
	p.section(p.words.files)
	widths := []float64{52, 20, inner - 72}
	p.table(widths, p.words.file, p.words.size, p.words.sum)
	p.black(smallSize)
	e := p.of.Violation.Evidence
	for _, f := range e.Files {
		p.row(widths, p.account.Caption(f).Name, review.Size(f.Size), f.SHA256)
	}
	p.row(widths, p.words.manifest, "", e.Manifest)
}

// signatures are lines for the two officers that the law asks for.
func (p *printer) signatures() {
	p.room(30)
	p.pdf.Ln(12)
	p.black(textSize)
	blank := strings.Repeat("_", 24)
	for range 2 {
		p.row([]float64{inner * 0.6, inner * 0.4}, p.words.officer+" "+blank, p.words.signed+" "+blank[:16])
		p.pdf.Ln(5)
	}
}
