package review

// loadedImages says that every picture in the window is there.
const loadedImages = `[...document.images].filter((i) => i.getBoundingClientRect().top < innerHeight).every((i) => i.complete && i.naturalWidth > 0)`
