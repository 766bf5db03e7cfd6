//! The XMP packet that tells a picture is generated.
//!
//! Property and value are those of the IPTC Photo Metadata Standard, *Digital Source Type*:
//! <https://cv.iptc.org/newscodes/digitalsourcetype/>. In PNG it is the text chunk that the XMP
//! specification, part 3, names.

pub(super) const KEYWORD: &str = "XML:com.adobe.xmp";

/// A packet that says “made by a trained model”, as other applications write it.
pub(super) fn generated_picture() -> String {
    concat!(
        "<?xpacket begin=\"\u{feff}\" id=\"W5M0MpCehiHzreSzNTczkc9d\"?>\n",
        "<x:xmpmeta xmlns:x=\"adobe:ns:meta/\">\n",
        " <rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">\n",
        "  <rdf:Description rdf:about=\"\"\n",
        "    xmlns:Iptc4xmpExt=\"http://iptc.org/std/Iptc4xmpExt/2008-02-29/\"\n",
        "    Iptc4xmpExt:DigitalSourceType=\"http://cv.iptc.org/newscodes/digitalsourcetype/",
        "trainedAlgorithmicMedia\"/>\n",
        " </rdf:RDF>\n",
        "</x:xmpmeta>\n",
        "<?xpacket end=\"r\"?>",
    )
    .to_owned()
}
