package words

import (
	"encoding/json"
	"fmt"

	"tidewatch/ingest"
)

// Setting is something that is set on a camera.
type Setting string

// The settings, as text/menus.json names them.
const (
	KeyInterval        Setting = "key_interval"
	SmartCodec         Setting = "smart_codec"
	Encoding           Setting = "encoding"
	BitRate            Setting = "bit_rate"
	FrameRate          Setting = "frame_rate"
	Resolution         Setting = "resolution"
	Cropping           Setting = "cropping"
	StreamPath         Setting = "stream_path"
	Time               Setting = "time"
	TimeZone           Setting = "time_zone"
	RTSPAuthentication Setting = "rtsp_authentication"
	RTSPPort           Setting = "rtsp_port"
	Accounts           Setting = "accounts"
	LoginLock          Setting = "login_lock"
	ONVIF              Setting = "onvif"
	DayNight           Setting = "day_night"
	Firmware           Setting = "firmware"
)

// Settings lists all of them.
var Settings = []Setting{
	KeyInterval, SmartCodec, Encoding, BitRate, FrameRate, Resolution, Cropping, StreamPath, Time, TimeZone,
	RTSPAuthentication, RTSPPort, Accounts, LoginLock, ONVIF, DayNight, Firmware,
}

// settings are what helps against a cause, of what is set in a camera's menus.
var settings = map[ingest.Code][]Setting{
	ingest.ConnectRefused:  {RTSPPort},
	ingest.Unheard:         {RTSPPort},
	ingest.AnswersHTTP:     {RTSPPort},
	ingest.NoTLS:           {RTSPPort},
	ingest.TLSOnly:         {RTSPPort},
	ingest.Unauthorized:    {Accounts, LoginLock},
	ingest.BasicOnly:       {RTSPAuthentication},
	ingest.StaleNonce:      {Firmware},
	ingest.NotFound:        {StreamPath},
	ingest.BadStatus:       {Firmware},
	ingest.OldTLS:          {Firmware},
	ingest.ProtocolUnknown: {RTSPPort, Firmware},
	ingest.NoVideo:         {Encoding},
	ingest.TrackUnusable:   {Firmware},
	ingest.Stalled:         {BitRate},
	ingest.NoKeyFrame:      {KeyInterval, SmartCodec},
	ingest.IntraRefresh:    {KeyInterval},
	ingest.TimeJumped:      {Firmware},
	ingest.UnitEndless:     {BitRate, Firmware},
	ingest.KeyFramesAway:   {KeyInterval, SmartCodec},
	ingest.KeyFramesApart:  {SmartCodec, KeyInterval},
	ingest.PacketsLost:     {BitRate},
	ingest.FewPictures:     {FrameRate},
	ingest.MediaClockWrong: {Firmware},
	ingest.ClockUnknown:    {Firmware},
	ingest.ClockFast:       {Time},
	ingest.ClockSlow:       {Time},
	ingest.ClockZoneFast:   {TimeZone, Time},
	ingest.ClockZoneSlow:   {TimeZone, Time},
	ingest.ClockGains:      {Time},
	ingest.ClockLoses:      {Time},
	ingest.Undecodable:     {Encoding, SmartCodec},
	ingest.SubUndecodable:  {Encoding, SmartCodec},
	ingest.SubDiffers:      {Cropping, StreamPath},
	ingest.TooSmall:        {Resolution},
	ingest.SceneDark:       {DayNight},
	ingest.SceneFrozen:     {Firmware},

	ingest.ONVIFRefused:      {ONVIF},
	ingest.ONVIFNoService:    {ONVIF},
	ingest.ONVIFProtocol:     {Firmware},
	ingest.ONVIFFault:        {Firmware},
	ingest.ONVIFUnsupported:  {Firmware},
	ingest.ONVIFUnauthorized: {ONVIF},
	ingest.ONVIFBothClocks:   {ONVIF, TimeZone, Time},
	ingest.ONVIFNoTime:       {TimeZone, Time},
	ingest.ONVIFLocalTime:    {Firmware},
	ingest.ONVIFTwoTimes:     {TimeZone, Time},
	ingest.ONVIFStreamURL:    {StreamPath},
}

// Menu is where something is set, in the words of the cameras themselves.
type Menu struct {
	Setting string // what it is called
	Ways    []Way
}

// Way is the way to a setting in one vendor's menus.
type Way struct{ Vendor, Path string }

// path is the way to a setting. A language in which the menu's words are not
// known is empty.
type path struct {
	Chinese string `json:"zh"`
	English string `json:"en"`
	Manual  string `json:"manual"` // of the vendor's, in English, in which it was seen; empty for none
}

func (p path) in(l Language) string {
	if l == Chinese {
		return p.Chinese
	}
	return p.English
}

// paths are the menus of all vendors. A vendor whose way to a setting is not
// known is left out.
var paths = loadPaths()

func loadPaths() (all map[Setting]map[ingest.Vendor]path) {
	data, err := files.ReadFile("text/menus.json")
	if err != nil {
		panic(err) // part of the binary
	}
	if err := json.Unmarshal(data, &all); err != nil {
		panic(fmt.Errorf("read menus: %w", err))
	}
	return all
}

// menus are the ways to settings in the menus of a vendor; of all, if it is not
// known.
func (c Catalog) menus(wanted []Setting, of ingest.Vendor) []Menu {
	var menus []Menu
	for _, setting := range wanted {
		menu := Menu{Setting: c.Say("setting", string(setting))}
		for _, vendor := range ingest.Vendors {
			path := paths[setting][vendor].in(Language(c["language"]))
			if path != "" && (of == "" || of == vendor) {
				menu.Ways = append(menu.Ways, Way{c.Say("vendor", string(vendor)), path})
			}
		}
		if len(menu.Ways) > 0 {
			menus = append(menus, menu)
		}
	}
	return menus
}
