"""Sharing one of a browser's own tabs, as a real one does, and knowing it when it arrives."""

OWN_TAB = "--auto-select-tab-capture-source-by-title="
"""And what its title begins with."""
MADE_UP = ("--use-fake-ui-for-media-stream", "--auto-select-desktop-capture-source")
"""With these a browser shares a screen that it makes up."""
BRIGHT = """(() => {
  const video = document.querySelector(".screens .tile video");
  if (!video || video.videoHeight < 720) return false;
  const paper = new OffscreenCanvas(64, 36).getContext("2d");
  paper.drawImage(video, 0, 0, 64, 36);
  const { data } = paper.getImageData(0, 0, 64, 36);
  return data.filter((each) => each > 200).length > 0.7 * data.length;
})()"""
"""A page of paper with a few words: what the fake cameras make is green."""
