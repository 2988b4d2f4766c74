// A reader who switches the language stays at the section: ids are equal in all languages.
document.addEventListener("click", function (event) {
  var link = event.target instanceof Element && event.target.closest("a.md-select__link[hreflang]");
  if (link) link.hash = location.hash;
});
