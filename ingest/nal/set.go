package nal

// Set names a parameter set: by its kind and its number, which slices and other
// sets refer to.
type Set struct {
	Kind   Kind
	ID     int
	Refers int // ID of the set that it builds on: PPS to SPS, in H.265 SPS to VPS
}

// Numbers beyond these are damage (H.264 7.4.2, H.265 7.4.3).
const (
	mostVPS     = 16
	mostHEVCSPS = 16
	mostHEVCPPS = 64
	mostAVCSPS  = 32
	mostAVCPPS  = 256
)

// ReadSet tells which parameter set a NAL unit is. It is false for anything
// else and for a set whose number cannot be read.
func ReadSet(codec Codec, nalu []byte) (Set, bool) {
	kind := KindOf(codec, nalu)
	r := payload(codec, nalu, setHeader)
	s := Set{Kind: kind}
	most := 0
	switch {
	case kind == PPS:
		s.ID, s.Refers = int(r.ue()), int(r.ue())
		most = map[Codec]int{H264: mostAVCPPS, H265: mostHEVCPPS}[codec]
	case kind == SPS && codec == H264:
		r.skip(24) // profile, constraints, level
		s.ID, most = int(r.ue()), mostAVCSPS
	case kind == SPS:
		s.Refers = int(r.u(4))
		profileTierLevel(r)
		s.ID, most = int(r.ue()), mostHEVCSPS
	case kind == VPS:
		s.ID, most = int(r.u(4)), mostVPS
	}
	return s, r.err == nil && s.ID < most
}

// profileTierLevel passes over the layers' count and profile_tier_level of an
// H.265 SPS (7.3.3).
func profileTierLevel(r *reader) {
	layers := int(r.u(3)) // sps_max_sub_layers_minus1
	r.skip(1)
	r.skip(88 + 8) // general profile, and level
	var profiles, levels int
	for range layers {
		profiles += int(r.u(1))
		levels += int(r.u(1))
	}
	if layers > 0 {
		r.skip(2 * (8 - layers))
	}
	r.skip(88*profiles + 8*levels)
}
