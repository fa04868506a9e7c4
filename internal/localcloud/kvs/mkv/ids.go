package mkv

// Element ids, with their length markers.
const (
	idEBML    = 0x1A45DFA3
	idDocType = 0x4282
	idSegment = 0x18538067

	idSeekHead    = 0x114D9B74
	idInfo        = 0x1549A966
	idTracks      = 0x1654AE6B
	idTags        = 0x1254C367
	idCluster     = 0x1F43B675
	idCues        = 0x1C53BB6B
	idChapters    = 0x1043A770
	idAttachments = 0x1941A469
	idVoid        = 0xEC
	idCRC32       = 0xBF

	idTimecodeScale = 0x2AD7B1
	idMuxingApp     = 0x4D80
	idWritingApp    = 0x5741

	idTrackEntry    = 0xAE
	idTrackNumber   = 0xD7
	idTrackType     = 0x83
	idTrackName     = 0x536E
	idCodecID       = 0x86
	idCodecPrivate  = 0x63A2
	idVideo         = 0xE0
	idPixelWidth    = 0xB0
	idPixelHeight   = 0xBA
	idAudio         = 0xE1
	idSamplingRate  = 0xB5
	idChannels      = 0x9F
	idContentEncs   = 0x6D80
	idDefaultLength = 0x23E383

	idTag       = 0x7373
	idSimpleTag = 0x67C8
	idTagName   = 0x45A3
	idTagString = 0x4487
	idTagBinary = 0x4485

	idTimecode       = 0xE7
	idPosition       = 0xA7
	idPrevSize       = 0xAB
	idSimpleBlock    = 0xA3
	idBlockGroup     = 0xA0
	idBlock          = 0xA1
	idReferenceBlock = 0xFB
)

// topLevel tells the elements that may stand directly in a segment; one of
// them ends a cluster of unknown size.
func topLevel(id uint32) bool {
	switch id {
	case idSeekHead, idInfo, idTracks, idTags, idCluster, idCues, idChapters, idAttachments:
		return true
	}
	return false
}
