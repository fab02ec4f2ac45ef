package dossier

// words are those of the printed case file that no page has.
type words struct {
	title, subtitle              string
	plate, read, state           string
	facts, reasons, windows      string
	pictures, record, files      string
	when, who, what              string
	file, size, sum, manifest    string
	code, printedOf              string
	zone, page, written, officer string
	signed, check, noWindow      string
	missing                      string
}

var languages = map[string]words{
	"zh": {
		title: "违法停车案件材料", subtitle: "案件编号 %s",
		plate: "号牌", read: "机器识别", state: "案件状态",
		facts: "案件信息", reasons: "认定依据", windows: "本路段公告允许停放的时段",
		pictures: "证据图片", record: "全过程记录", files: "证据文件与校验值（SHA-256）",
		when: "时间", who: "办理", what: "事项",
		file: "文件", size: "大小", sum: "校验值", manifest: "证据清单",
		code: "防伪码", printedOf: "原图校验值",
		zone: "所有时间均为 %s 时间。", page: "第 %d 页，共 %s 页", written: "%s 由 %s 生成",
		officer: "执法人员签名", signed: "日期",
		check:    "图片下方的文字写在副本上，原图未作任何改动，随本材料一并提供。每个文件的校验值列于证据清单，可据此核对。",
		noWindow: "没有公告允许停放的时段。", missing: "文件已不在存储中",
	},
	"en": {
		title: "Case file: unlawful parking", subtitle: "Case %s",
		plate: "Plate", read: "Machine's read", state: "State",
		facts: "Facts", reasons: "Why it is held to be unlawful", windows: "When parking is permitted on this section, as announced",
		pictures: "Pictures", record: "Record of the case", files: "Files of the evidence and their SHA-256",
		when: "When", who: "Who", what: "What",
		file: "File", size: "Size", sum: "SHA-256", manifest: "Manifest",
		code: "Anti-forgery code", printedOf: "SHA-256 of the original",
		zone: "All times are those of %s.", page: "Page %d of %s", written: "Written %s by %s",
		officer: "Officer's signature", signed: "Date",
		check:    "What is written below a picture stands on a copy; the originals come with this file, unaltered. The manifest names each file by its SHA-256, by which it can be checked.",
		noWindow: "No hours are announced in which parking is permitted.", missing: "the file is no longer stored",
	},
}
