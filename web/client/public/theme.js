// Applies the chosen theme before the first paint, so that a dark console never flashes white. Kept out of the bundle
// because modules run after painting starts, and out of the page because the CSP forbids inline script.
try {
  const theme = localStorage.getItem('sightglass.theme');
  if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
} catch {
  // Storage may be denied: the automatic theme stays.
}
