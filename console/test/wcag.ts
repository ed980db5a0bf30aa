/* wcag - how well a colour can be read on another (WCAG 2.2, relative luminance and contrast ratio). */

function luminance(hex: string): number {
    const long = hex.length === 4 ? [...hex.slice(1)].map(c => c + c).join('') : hex.slice(1);
    const [r, g, b] = [0, 2, 4].map(i => parseInt(long.slice(i, i + 2), 16) / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

export function contrast(a: string, b: string): number {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (high! + 0.05) / (low! + 0.05);
}
