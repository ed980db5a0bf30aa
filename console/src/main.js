const line = document.createElement('p');
line.textContent = `Sallyport ${VERSION}`;
document.body.append(line);
