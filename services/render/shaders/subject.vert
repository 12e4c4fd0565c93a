// Places the subject in a window of the frame.
in vec3 in_position;
in vec3 in_normal;
#ifdef HAS_UV
in vec2 in_uv;
out vec2 uv;
#endif
#ifdef HAS_COLOR
in vec4 in_color;
out vec4 color;
#endif

uniform mat4 clip_from_model;
uniform mat3 world_from_model; // a rotation: right for normals too

out vec3 position; // world frame, metres
out vec3 normal;

void main() {
    gl_Position = clip_from_model * vec4(in_position, 1.0);
    position = world_from_model * in_position;
    normal = world_from_model * in_normal;
#ifdef HAS_UV
    uv = in_uv;
#endif
#ifdef HAS_COLOR
    color = in_color;
#endif
}
